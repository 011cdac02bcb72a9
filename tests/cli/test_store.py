"""The `store` commands, run as a person or a script would: in their own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qana_desktop.store.head import HEAD_FILE

SECRETS = {
    "QANA_PASSPHRASE": "four quiet green lamps",
    "QANA_PASSWORD": "a long password",
    "QANA_KEYCHAIN": "none",
}


def store(*arguments: object, **secrets: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qana_desktop.cli", "store", *(str(argument) for argument in arguments)]
    environment = {**os.environ, **SECRETS, **secrets}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=Path.cwd())


@pytest.fixture
def made(tmp_path) -> tuple[Path, str]:
    """A store's folder and its recovery code."""
    done = store("init", "--admin", "Ada", "--folder", tmp_path / "s")
    assert done.returncode == 0, done.stderr
    code, folder = done.stdout.split()
    return Path(folder), code


def test_init_verify_stats_backup_and_restore(made, tmp_path):
    folder, code = made
    done = store("verify", "--folder", folder, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["problems"] == []
    done = store("backup", tmp_path / "shelf", "--folder", folder)
    assert done.returncode == 0
    assert "everything holds" in done.stderr
    backup = Path(done.stdout.strip())
    elsewhere = tmp_path / "elsewhere" / "s"
    done = store("restore", backup, "--folder", elsewhere, QANA_PASSPHRASE="", QANA_RECOVERY_CODE=code)
    assert done.returncode == 0, done.stderr
    counts = json.loads(store("stats", "--folder", elsewhere, "--json").stdout)
    assert counts["records"]["user"] == 1
    assert "today" in store("stats", "--folder", folder).stdout


def test_rekey_makes_the_old_code_void_and_prints_a_new_one(made):
    folder, code = made
    done = store("rekey", "--user", "Ada", "--folder", folder)
    assert done.returncode == 0, done.stderr
    new = done.stdout.strip()
    old_way = store("verify", "--folder", folder, QANA_RECOVERY_CODE=code)
    assert old_way.returncode == 2
    assert "does not open this case store" in old_way.stderr
    assert store("verify", "--folder", folder, QANA_RECOVERY_CODE=new).returncode == 0
    refused = store("rekey", "--user", "Ada", "--folder", folder, QANA_PASSWORD="not her password")
    assert refused.returncode == 2
    assert "do not belong together" in refused.stderr


def test_verify_finds_damage_says_so_and_goes_on_only_when_an_administrator_accepts(made):
    folder, _code = made
    (folder / HEAD_FILE).unlink()
    done = store("verify", "--folder", folder)
    assert done.returncode == 1
    assert "audit.head" in done.stderr
    done = store("verify", "--folder", folder, "--accept", "deleted by mistake", "--user", "Ada")
    assert done.returncode == 0, done.stderr
    assert store("verify", "--folder", folder).returncode == 0


def test_a_wrong_passphrase_and_a_missing_store_end_in_a_sentence(made, tmp_path):
    folder, _code = made
    wrong = store("stats", "--folder", folder, QANA_PASSPHRASE="another passphrase")
    assert wrong.returncode == 2
    assert "The passphrase does not open this case store." in wrong.stderr
    missing = store("stats", "--folder", tmp_path / "nothing")
    assert missing.returncode == 2
    assert "no case store in this folder" in missing.stderr
    assert "Traceback" not in wrong.stderr + missing.stderr


def test_heal_takes_damaged_images_from_a_backup(made, tmp_path):
    from contextlib import closing

    from tests.support.stores import add_case, open_again

    folder, _code = made
    with closing(open_again(folder)) as opened:
        add_case(opened, 1)
    backup = store("backup", tmp_path / "shelf", "--folder", folder).stdout.strip()
    image = next(folder.glob("blobs/??/*"))
    image.write_bytes(b"rotten")
    damaged = store("verify", "--folder", folder)
    assert damaged.returncode == 1
    assert "images: Image" in damaged.stderr
    healed = store("heal", backup, "--folder", folder)
    assert healed.returncode == 0, healed.stderr
    assert "1 images healed, 0 still damaged" in healed.stderr
    assert store("verify", "--folder", folder).returncode == 0
