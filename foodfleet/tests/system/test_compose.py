"""docker-compose.yml starts the whole product as its documentation says."""

import json
import re
import shlex
from importlib.resources import files

import pytest
import yaml
from jsonschema import Draft202012Validator

from foodfleet import supervise
from foodfleet.tests.processes import ROOT

pytestmark = pytest.mark.once
OURS = {"migrate", "web", "codes", "sms", "webhooks", "worker", "beat", "verify-sender"}
SET_BY_THE_IMAGE = {"DEBUG", "PORT", "AWS_DEFAULT_REGION"}


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_the_file_fits_the_schema_of_the_compose_specification():
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    validator = Draft202012Validator(json.loads(schema.read_text()))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert [error.message for error in validator.iter_errors(compose)] == []


def test_each_variable_of_the_settings_is_passed_to_every_process(services):
    source = (ROOT / "foodfleet" / "settings.py").read_text()
    read = set(re.findall(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"', source)) - SET_BY_THE_IMAGE
    for name in OURS:
        passed = services[name]["environment"]
        assert read - passed.keys() == set()
        assert all(value.startswith(f"${{{variable}:") for variable, value in passed.items())


def test_each_service_is_limited_checked_and_ordered(services):
    for name, service in services.items():
        assert {"cpus", "memory"} == service["deploy"]["resources"]["limits"].keys()
        assert "healthcheck" in service or name == "web"  # the image's
        assert all(services[before] for before in service.get("depends_on", {}))
        if name in OURS:
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
    assert {name for name, service in services.items() if service.get("profiles") == ["dev"]} == {
        "moto",
        "verify-sender",
    }


def test_workers_serve_the_queues_that_make_worker_serves(services):
    def options(command):
        words = [*command]
        return {word: words[words.index(word) + 1] for word in ("--queues", "--exclude-queues") if word in words}

    made = [options(part.command) for part in supervise_worker_parts()]
    composed = [options(shlex.split(services[name]["command"])) for name in ("sms", "codes", "webhooks", "worker")]
    assert composed == made


def supervise_worker_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervise, "require_broker", lambda url: None)
        return supervise.parts_of("worker", [])
