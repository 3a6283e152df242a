#!/usr/bin/python3
"""Prints the PrometheusRule made of deploy/prometheus/rules, so that the rules have one source.

    deploy/kubernetes/prometheusrule.py > deploy/kubernetes/overlays/service/prometheusrule.yaml
"""
import pathlib

HEAD = """\
# Made by deploy/kubernetes/prometheusrule.py from deploy/prometheus/rules; change those.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: ranklossd
  labels:
    app.kubernetes.io/name: ranklossd
spec:
  groups:
"""


def groups(path):
    """The lines below `groups:`, two columns further in."""
    lines = path.read_text().splitlines()
    return "".join(f"  {line}\n" if line else "\n" for line in lines[lines.index("groups:") + 1:])


def main():
    rules = pathlib.Path(__file__).parent.parent / "prometheus" / "rules"
    print(HEAD + "".join(map(groups, sorted(rules.glob("*.yml")))), end="")


if __name__ == "__main__":
    main()
