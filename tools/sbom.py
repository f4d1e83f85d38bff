"""Look whether a list of what is built in names each package with its version and the hash of its files."""

import json
import sys
from pathlib import Path
from typing import Any


def incomplete(component: dict[str, Any]) -> bool:
    """Return whether a package lacks its version or a hash."""
    files = [component, *component.get("externalReferences", ())]
    return not component.get("version") or not any(one.get("hashes") for one in files)


def main(path: str) -> str | None:
    """Print how many packages there are; return what is wrong."""
    components = json.loads(Path(path).read_text(encoding="utf-8"))["components"]
    lacking = sorted(one["name"] for one in components if incomplete(one))
    if lacking or not components:
        return f"{path}: no version or no hash of {', '.join(lacking) or 'anything'}"
    told = "each with version and hash; whether holes are known of them is not looked up"
    sys.stdout.write(f"{path}: {len(components)} packages, {told}\n")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
