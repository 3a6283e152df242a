#!/usr/bin/python3
"""Writes the completion of ranklossd's flags for bash from the daemon's own table of settings.

    deploy/package/completion.py build/ranklossd build/completion/ranklossd
"""

import json
import pathlib
import subprocess
import sys

SCRIPT = """\
# bash completion for ranklossd                                            -*- shell-script -*-

_ranklossd()
{{
    local word=${{COMP_WORDS[COMP_CWORD]}} flag=${{COMP_WORDS[COMP_CWORD - 1]}} words
    # bash splits --name=value into three words.
    if [[ $word == "=" ]]; then
        word=
    elif [[ $flag == "=" ]]; then
        flag=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    case $flag in
{cases}        *)
            words="{flags}"
            ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}} &&
    complete -F _ranklossd ranklossd
"""

OTHERS = ("--check", "--config", "--help", "--probe", "--version")
FILES = """\
            compopt -o filenames 2>/dev/null
            COMPREPLY=($(compgen -f -- "$word"))
            return
"""


def case(flags, body):
    return f"        {' | '.join(flags)})\n{body}            ;;\n" if flags else ""


def words(text):
    return f'            words="{text}"\n'


def is_file(row):
    return row["type"] == "text" and row["help"].lower().removeprefix("pem ").startswith("file ")


def script(rows):
    plain = [row["flag"] for row in rows
             if row["type"] in ("integer", "size", "duration", "list")
             or row["type"] == "text" and not is_file(row)]
    cases = case(["--config", *(row["flag"] for row in rows if is_file(row))], FILES)
    cases += case(["--help"], words("json example"))
    cases += "".join(case([row["flag"]], words(" ".join(row["choices"])))
                     for row in rows if row["type"] == "choice")
    cases += case([row["flag"] for row in rows if row["type"] == "bool"], words("true false"))
    cases += case(plain, words(""))
    no = ["--no-" + row["name"] for row in rows if row["type"] == "bool"]
    flags = " ".join(sorted([*OTHERS, *no, *(row["flag"] for row in rows)]))
    return SCRIPT.format(cases=cases, flags=flags)


def main(binary, target):
    table = subprocess.run([binary, "--help=json"], check=True, capture_output=True, text=True)
    path = pathlib.Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script(json.loads(table.stdout)["settings"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
