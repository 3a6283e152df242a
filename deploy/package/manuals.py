#!/usr/bin/python3
"""Writes the man pages ranklossd(8) and ranklossd.json(5) from the daemon's own table of settings.

    deploy/package/manuals.py build/ranklossd build/man

The daemon is asked (--help=json), so a setting cannot be missing from its manual.
"""

import datetime
import json
import os
import pathlib
import subprocess
import sys

PLACEHOLDERS = {"bool": "true|false", "integer": "N", "size": "SIZE", "duration": "TIME",
                "text": "TEXT", "list": "A,B,...", "choice": None}

DAEMON = r"""
.Dd {date}
.Dt RANKLOSSD 8
.Os
.Sh NAME
.Nm ranklossd
.Nd evaluate ranking losses over HTTP
.Sh SYNOPSIS
.Nm
.Op Fl Fl config Ar FILE
.Op Fl Fl Ns Ar SETTING Ar VALUE ...
.Nm
.Fl Fl check | Fl Fl help | Fl Fl version | Fl Fl probe Ns Op = Ns Ar URL
.Sh DESCRIPTION
.Nm
serves an HTTP API that takes a JSON batch of ranking lists (labels, scores, optional masks and
weights) and answers with pairwise and listwise ranking losses, their gradients, and ranking
metrics, by the mask, weight and reduction rules of Keras-RS.
It also serves a page to try it on
.Pq Pa / ,
a description of the API
.Pq Pa /openapi.json ,
health
.Pq Pa /livez , /readyz
and Prometheus metrics
.Pq Pa /metrics .
.Pp
It stays in the foreground, logs to standard error, keeps no state and writes no file.
.Sh OPTIONS
.Bl -tag -width Ds
.It Fl Fl config Ar FILE
Read settings from a JSON file, see
.Xr ranklossd.json 5 .
.It Fl Fl check
Validate the settings and the files they name, then exit.
.It Fl Fl probe Ns Op = Ns Ar URL
Ask a running daemon whether it is ready, by default the one that these settings describe.
.It Fl Fl help Ns Op =json|=example
Print the settings, the same as JSON, or a file with every default.
.It Fl Fl version
Print version, revision, instruction set and threads, then exit.
.El
.Pp
Every setting is a flag, a variable of the environment, and a key of the file.
Flags win over the environment, and that over the file.
A truth value may also be set by
.Fl Fl name
and
.Fl Fl no-name
alone.
Sizes take KiB, MiB and GiB; times take ms, s and m.
.Bl -tag -width Ds
{flags}.El
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev RANKLOSSD_CONFIG
As
.Fl Fl config .
.It Ev RANKLOSSD_MAX_LISTS No and so on
As the flag of that name, here
.Fl Fl max-lists .
An unknown variable that starts with RANKLOSSD_ is ignored, with a warning in the log.
.It Ev OMP_WAIT_POLICY , GOMP_SPINCOUNT
How idle compute threads wait; read by the OpenMP library when it is loaded.
Without either they sleep.
.It Ev LISTEN_FDS , NOTIFY_SOCKET , WATCHDOG_USEC
The protocols of
.Xr systemd 1
for sockets handed over and for notification.
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa {sysconfdir}/ranklossd/ranklossd.json
Settings of the service unit.
.It Pa /etc/default/ranklossd
Variables for the service unit.
.El
.Sh SIGNALS
.Bl -tag -width Ds
.It Dv SIGTERM , SIGINT
Drain: answer 503 on
.Pa /readyz
at once, keep serving for
.Cm shutdown-delay ,
then refuse new connections, finish what is in flight within
.Cm drain-timeout ,
and exit.
A second signal ends it at once.
.It Dv SIGHUP
Read again the settings marked
.Sq reloadable ,
and the files they name.
A bad file keeps the old settings, and says so in the log.
.El
.Sh EXIT STATUS
0 after a drain, and when
.Fl Fl check
or
.Fl Fl probe
found nothing wrong; otherwise non-zero, with one line on standard error that says why.
.Sh EXAMPLES
.Dl ranklossd --listen 127.0.0.1:8080 --threads 4
.Pp
.Bd -literal -offset indent -compact
curl \-H \(aqContent\-Type: application/json\(aq \e
  \-d \(aq{{"y_true": [[1, 0]], "y_pred": [[0.3, 0.9]]}}\(aq \e
  http://127.0.0.1:8080/v1/losses/pairwise_hinge
.Ed
.Sh SEE ALSO
.Xr ranklossd.json 5 ,
.Xr systemd.service 5
"""

FILE = r"""
.Dd {date}
.Dt RANKLOSSD.JSON 5
.Os
.Sh NAME
.Nm ranklossd.json
.Nd settings of ranklossd
.Sh DESCRIPTION
One JSON object
.Pq RFC 8259 ,
named by
.Fl Fl config
or
.Ev RANKLOSSD_CONFIG ;
the service unit reads
.Pa {sysconfdir}/ranklossd/ranklossd.json .
A key that is left out has its default; an unknown or repeated key is an error.
The environment and flags win over the file, see
.Xr ranklossd 8 .
.Pp
Truth values are
.Cm true
or
.Cm false ,
counts are numbers, sizes and times are numbers (of bytes, of seconds) or texts with a unit
.Pq Qq 64MiB , Qq 250ms ,
and lists are arrays of texts.
.Sh KEYS
.Bl -tag -width Ds
{keys}.El
.Sh EXAMPLES
.Bd -literal -offset indent
{{
  "listen": "0.0.0.0:8080",
  "admin_listen": "127.0.0.1:9090",
  "max_body_bytes": "16MiB",
  "shutdown_delay": "5s",
  "cors_origins": ["https://dashboards.example.com"],
  "track_names": 100
}}
.Ed
.Pp
.Dl ranklossd --config ranklossd.json --check
.Sh SEE ALSO
.Xr ranklossd 8
"""


def escape(text):
    """Text for a line of mdoc: nothing in it may look like a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + text if text[:1] in (".", "'") else text


def sentences(text):
    """One sentence a line, as mdoc wants it."""
    return "".join(escape(part) + "\n" for part in text.replace(". ", ".\n").splitlines())


def facts(row, quote):
    """Default, bounds, choices and reloading of a setting, in one sentence or two."""
    said = f"Default: {quote(row['default'])}" if row["default"] else "Default: empty"
    if "minimum" in row:
        said += f", from {row['minimum']} to {row['maximum']}"
    said += "."
    return said + (" Reloadable." if row["reloadable"] else "")


def flag_entry(row):
    value = PLACEHOLDERS[row["type"]] or "|".join(row["choices"])
    name = row["flag"].lstrip("-")
    return (f".It Fl Fl {escape(name)} Ar {escape(value)}\n" + sentences(row["help"])
            + sentences(facts(row, str)))


def key_entry(row):
    kind = "one of " + ", ".join(row["choices"]) if row["type"] == "choice" else row["type"]
    return (f".It Cm {escape(row['key'])} Pq {escape(kind)}\n" + sentences(row["help"])
            + sentences(facts(row, json.dumps if row["type"] in ("text", "choice") else str)))


def date():
    """The day of SOURCE_DATE_EPOCH where it is set, so that builds can be repeated."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    day = (datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc) if epoch
           else datetime.datetime.now())
    return f"{day:%B} {day.day}, {day.year}"


def main(binary, folder, sysconfdir="/etc"):
    table = subprocess.run([binary, "--help=json"], check=True, capture_output=True, text=True)
    rows = json.loads(table.stdout)["settings"]
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    common = {"date": date(), "sysconfdir": sysconfdir}
    for name, form, parts in (
            ("ranklossd.8", DAEMON, {"flags": "".join(map(flag_entry, rows))}),
            ("ranklossd.json.5", FILE, {"keys": "".join(map(key_entry, rows))})):
        (target / name).write_text(form.lstrip("\n").format(**common, **parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
