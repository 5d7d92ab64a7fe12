"""The alert rules and the dashboard fit what `/metrics` tells."""

import json
import re
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DEPLOY = Path(__file__).resolve().parents[4] / "deploy"
DOCS = DEPLOY.parent
LABELS = re.compile(r"by \(([^)]+)\)|\{([^}]*)\}")


def rules():
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    return group["rules"]


def panels():
    return json.loads((DEPLOY / "grafana" / "foodfleet.json").read_text())["panels"]


def expressions():
    return [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


def test_each_metric_and_label_of_an_expression_exists_in_a_scrape(client):
    text = client.get("/metrics").text
    names = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)) | {"foodfleet_task_duration_seconds"}  # of Celery
    documented = (DOCS / "docs" / "metrics.md").read_text()
    assert set(re.findall(r"^\| `(foodfleet_\w+)`", documented, re.MULTILINE)) == names
    for expression in expressions():
        used = {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"foodfleet_\w+", expression)}
        assert used <= names
        known = {
            "le",
            "job",
            *re.findall(
                r"`(\w+)`",
                "".join(line for line in documented.splitlines() if any(f"`{name}`" in line for name in used)),
            ),
        }
        for by, matched in LABELS.findall(expression):
            assert {word.strip() for word in by.split(",") if by} | set(re.findall(r"(\w+)=", matched)) <= known


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_rule_has_the_form_that_prometheus_reads(rule):
    assert (
        {"alert", "expr", "labels", "annotations"} <= rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    )
    assert re.fullmatch(r"FoodFleet[A-Za-z]+", rule["alert"])
    assert re.fullmatch(r"[1-9][0-9]*[smhd]", rule.get("for", "1m"))
    assert rule["labels"]["severity"] in {"warning", "critical"}
    for opening, closing in ("()", "{}", "[]"):
        assert rule["expr"].count(opening) == rule["expr"].count(closing)
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (DOCS / path).read_text(), re.MULTILINE)
    assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_the_dashboard_has_distinct_panels_with_queries():
    assert len({panel["id"] for panel in panels()}) == len(panels()) > 10
    assert all(target["expr"] and target["refId"] for panel in panels() for target in panel["targets"])
