"""The manifests in deploy/kubernetes are what Kubernetes accepts, and fit together and to the product."""

import re
from importlib.metadata import version

import kubernetes_validate
import pytest
import yaml
from django.urls import resolve

from foodfleet.tests.processes import ROOT

pytestmark = pytest.mark.once
FOLDER = ROOT / "deploy" / "kubernetes"
OBJECTS = [
    (path.name, manifest)
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for manifest in yaml.safe_load_all(path.read_text())
]
PODS = {one["metadata"]["name"]: one["spec"]["template"] for _, one in OBJECTS if one["kind"] in {"Deployment", "Job"}}


def named(kind):
    return {one["metadata"]["name"]: one for _, one in OBJECTS if one["kind"] == kind}


def containers():
    return [one for pod in PODS.values() for one in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]]


@pytest.mark.parametrize("of_version", ["1.30", version("kubernetes-validate")])
@pytest.mark.parametrize(("file", "manifest"), OBJECTS, ids=[f"{one['kind']} in {name}" for name, one in OBJECTS])
def test_a_manifest_fits_the_schema_of_kubernetes(file, manifest, of_version):
    kubernetes_validate.validate(manifest, of_version, strict=True)


def test_the_kustomization_has_every_file_but_the_example_of_the_secret():
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert {*kustomization["resources"], "secret-example.yaml"} == {name for name, _ in OBJECTS}
    assert {one["name"] for one in kustomization["images"]} == {one["image"] for one in containers()}


def test_each_variable_is_one_of_the_settings_and_each_secret_a_file():
    variables = named("ConfigMap")["foodfleet"]["data"]
    documented = (ROOT / "docs" / "configuration.md").read_text()
    assert not [name for name in variables if f"`{name.removesuffix('_FILE')}`" not in documented]
    files = {path.rpartition("/") for name, path in variables.items() if name.endswith("_FILE")}
    assert {name for _, _, name in files} == named("Secret")["foodfleet"]["stringData"].keys()
    assert {folder for folder, _, _ in files} == {"/run/secrets/foodfleet"}


def test_each_container_is_restricted_limited_and_has_what_it_mounts():
    for pod in PODS.values():
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        assert pod["spec"]["securityContext"]["runAsUser"] == int(re.search(r"USER (\d+)", dockerfile())[1])
        assert pod["spec"]["serviceAccountName"] in named("ServiceAccount")
        assert volumes == {"tmp", "secrets"}
    for one in containers():
        assert one["securityContext"]["readOnlyRootFilesystem"]
        assert {"requests", "limits"} == one["resources"].keys()
        assert {mount["mountPath"] for mount in one["volumeMounts"]} == {"/tmp", "/run/secrets/foodfleet"}
        assert one["envFrom"] == [{"configMapRef": {"name": "foodfleet"}}]


def dockerfile():
    return (ROOT / "Dockerfile").read_text()


def test_selectors_find_the_pods_that_they_are_for():
    for kind in ("Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"):
        for name, one in named(kind).items():
            selector = one["spec"].get("selector") or one["spec"]["podSelector"]
            wanted = selector.get("matchLabels", selector).items()
            found = {pod for pod, template in PODS.items() if wanted <= template["metadata"]["labels"].items()}
            assert found == (PODS.keys() if name == "foodfleet" else {name})
    (scaled,) = named("HorizontalPodAutoscaler").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in named("Deployment")
    (path,) = named("Ingress")["foodfleet"]["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] in named("Service")


def test_probes_ask_the_port_of_the_image_and_only_whether_a_process_lives():
    (web,) = PODS["web"]["spec"]["containers"]
    assert [port["containerPort"] for port in web["ports"]] == [int(re.search(r"EXPOSE (\d+)", dockerfile())[1])]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert resolve(web[probe]["httpGet"]["path"]).url_name == resolve("/health/live/").url_name


def test_beat_runs_once_and_every_pod_has_time_to_finish():
    beat = named("Deployment")["beat"]["spec"]
    assert (beat["replicas"], beat["strategy"]["type"]) == (1, "Recreate")
    assert all(pod["spec"]["terminationGracePeriodSeconds"] >= 30 for pod in PODS.values())
