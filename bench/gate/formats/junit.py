"""A comparison as JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from bench.gate.comparison import Comparison
from bench.gate.finding import INCOMPLETE, TIERS, Finding, Tier
from bench.gate.formats import CheckFormat, register_check_format
from bench.text import printable

SKIPPED = frozenset({"undecided", "incomparable"})


@register_check_format
class JUnit(CheckFormat):
    """JUnit XML: what is worse is a failure, what is missing or failed an error, what cannot be told is skipped.

    A suite per tier, a test case per finding; a tier without findings has one case that passes.
    """

    name = "junit"

    def render(self, comparison: Comparison) -> str:
        suites = [(tier, [one for one in comparison.findings if one.tier == tier]) for tier in TIERS]
        root = Xml.Element("testsuites", name=printable(f"{comparison.new} against {comparison.base}"))
        for tier, findings in suites:
            nothing = Finding(tier, "same", "all cells", "nothing found")
            root.append(_suite(tier, findings or [nothing]))
        for name in ("tests", "failures", "errors", "skipped"):
            root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
        Xml.indent(root)
        return Xml.tostring(root, encoding="utf-8", xml_declaration=True).decode() + "\n"


def _suite(tier: Tier, findings: list[Finding]) -> Xml.Element:
    suite = Xml.Element("testsuite", name=tier, tests=str(len(findings)))
    for finding in findings:
        suite.append(_case(finding))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _case(finding: Finding) -> Xml.Element:
    case = Xml.Element("testcase", classname=finding.tier, name=printable(finding.cell))
    tag = (
        "failure" if finding.word == "worse"
        else "error" if finding.word in INCOMPLETE
        else "skipped" if finding.word in SKIPPED
        else "system-out"
    )  # fmt: skip
    child = Xml.SubElement(case, tag)
    text = printable(f"{finding.word}: {finding.text}")
    if tag == "system-out":
        child.text = text
    else:
        child.set("message", text)
    return case
