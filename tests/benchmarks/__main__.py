"""`make bench`: print what is measured, a line each. Timings are no tests."""

from tests.benchmarks import authoring, engine, page


def main() -> None:
    """Measure, and print as measured."""
    for part in (engine, authoring, page):
        for name, value in part.rows():
            print(f"{name:54} {value}", flush=True)


if __name__ == "__main__":
    main()
