"""The workflow of CI is valid, and runs what exists on every version of Python that the package names."""

import re
import subprocess
import tomllib

import pytest
import yaml

from foodfleet.tests.processes import BIN, ROOT

pytestmark = pytest.mark.once
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text())["jobs"]


def test_the_workflow_has_the_form_that_github_expects():
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflow_runs_commands_that_exist():
    commands = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
    assert "bash .ci/run" in commands
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {command.removeprefix("make ") for command in commands} - targets == {"bash .ci/run"}
    assert (ROOT / ".ci" / "run").is_file()


def test_the_workflow_tests_the_versions_of_python_that_the_package_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [word.rpartition(" ")[2] for word in project["classifiers"] if re.search(r":: 3\.\d+$", word)]
    assert JOBS["test"]["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"
