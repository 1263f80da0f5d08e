"""What real servers showed, as one sentence beside a scenario that was reproduced."""


def receipt(module: str) -> str:
    """The sentence for a scenario module, or nothing where no server was asked."""
    return ""
