"""The package that `pip install .` makes, and the example of a company's repository that depends on it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import requests

from foodfleet.tests import processes

pytestmark = pytest.mark.once
EXAMPLE = processes.ROOT / "examples" / "company"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=processes.ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


class Company:
    """A copy of the example, and the package installed in a folder that comes before the checkout."""

    def __init__(self, folder, wheel):
        self.folder, self.site = folder / "company", folder / "site"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("var", "__pycache__"))
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            self.site,
            wheel,
        ]
        subprocess.run(pip, check=True, capture_output=True)
        self.program = [sys.executable, str(self.site / "bin" / "foodfleet")]
        self.environment = {"DJANGO_SETTINGS_MODULE": "company.settings", "PYTHONPATH": str(self.site)}

    def run(self, *command, **environment):
        """Run a command in the folder of the company; what it prints."""
        result = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=300,
            env={"PATH": os.environ["PATH"], **self.environment, **environment},
        )  # fmt: skip
        assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
        return result.stdout


@pytest.fixture(scope="module")
def company(wheel, tmp_path_factory):
    return Company(tmp_path_factory.mktemp("company"), wheel)


def test_the_package_has_what_the_product_needs_and_no_tests(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not [name for name in names if re.search(r"(?<!/template)/tests/", name) or name.startswith("var/")]
    beside = [path for folder in ("templates", "locale") for path in (processes.ROOT / folder).rglob("*.*")]
    inside = [
        path
        for folder in ("static", "modules/template")
        for path in (processes.ROOT / "foodfleet" / folder).rglob("*.*")
    ]
    needed = {f"foodfleet/{path.relative_to(processes.ROOT)}" for path in beside}
    needed |= {str(path.relative_to(processes.ROOT)) for path in inside}
    assert len(needed) > 100
    assert not needed - names


def test_the_tests_of_the_example_pass_on_the_installed_package(company):
    report = company.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-migrations")
    assert re.search(r"^\d+ passed", report, re.MULTILINE)


def test_django_checks_the_company_and_finds_all_its_migrations(company):
    assert "No changes" in company.run(*company.program, "manage", "makemigrations", "--check", "--dry-run")


def test_the_command_serves_the_company_from_its_folder(company, start, sqlite_url):
    port = processes.free_port()
    values = {**company.environment, "DATABASE_URL": sqlite_url, "PORT": str(port), "WEB_CONCURRENCY": "1"}
    start("serve", [*company.program, "serve"], folder=company.folder, **values)
    address = f"http://127.0.0.1:{port}"
    processes.wait_until(lambda: requests.get(f"{address}/health/live/", timeout=5).ok, what="the start")
    page = requests.get(f"{address}/login/", headers={"Accept-Language": "de"}, timeout=20).text
    assert "Anmelden" in page
    style = re.search(r'rel="stylesheet" href="([^"]+)"', page)[1]
    assert requests.get(f"{address}{style}", timeout=20).headers["Content-Type"].startswith("text/css")
    assert requests.get(f"{address}/api/v1/trucks/", timeout=20).json()["code"] == "not_authenticated"
    assert (company.folder / "var" / "static").is_dir()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [([], 0, "usage: foodfleet"), (["--help"], 0, "serve"), (["deploy"], 2, "usage: foodfleet")],
)
def test_the_command_without_a_target_explains_itself(arguments, code, says):
    command = [sys.executable, "-m", "foodfleet", *arguments]
    done = subprocess.run(command, cwd=processes.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True)
