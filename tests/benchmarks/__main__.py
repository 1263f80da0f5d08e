"""`make bench`: print what is measured, a line each. Timings are no tests."""

from tests.benchmarks import authoring, engine


def main() -> None:
    """Measure, and print as measured."""
    for part in (engine, authoring):
        for name, value in part.rows():
            print(f"{name:44} {value}", flush=True)


if __name__ == "__main__":
    main()
