"""The files that start a cluster hold what Ray's launcher and KubeRay ask of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

yaml = pytest.importorskip("yaml", reason="the files are YAML; it comes with lexigrad[ray]")
jsonschema = pytest.importorskip("jsonschema", reason="the files are checked by schemas; it comes with lexigrad[ray]")

EXAMPLES = ROOT / "docs" / "examples"


def schema(required: str = "", /, **properties: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def many(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
WHOLE = {"type": "integer", "minimum": 0}
YES = {"type": "boolean"}
QUANTITIES = {"type": "object", "additionalProperties": {"type": "string", "pattern": r"^\d+(\.\d+)?(m|[KMGT]i?)?$"}}

# What the definitions of KubeRay 1.5 and of Kubernetes' pods know of the fields that are used here, and those beside.
CONTAINER = schema(
    "name image",
    name={"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
    image=TEXT,
    env=many(schema("name value", name=TEXT, value={"type": "string"})),
    resources=schema(requests=QUANTITIES, limits=QUANTITIES),
    volumeMounts=many(schema("name mountPath", name=TEXT, mountPath=TEXT, readOnly=YES, subPath=TEXT)),
)
VOLUME = schema("name", name=TEXT, persistentVolumeClaim=schema("claimName", claimName=TEXT, readOnly=YES))
TEMPLATE = schema(
    "spec", metadata={"type": "object"}, spec=schema("containers", containers=many(CONTAINER), volumes=many(VOLUME))
)
HEAD = schema("rayStartParams template", rayStartParams=TEXTS, template=TEMPLATE, serviceType=TEXT, enableIngress=YES)
WORKERS = schema(
    "groupName minReplicas maxReplicas rayStartParams template",
    groupName=TEXT,
    replicas=WHOLE,
    minReplicas=WHOLE,
    maxReplicas=WHOLE,
    numOfHosts=WHOLE,
    rayStartParams=TEXTS,
    template=TEMPLATE,
)
CLUSTER = schema(
    "headGroupSpec",
    rayVersion=TEXT,
    authOptions=schema(mode={"enum": ["disabled", "token"]}),
    enableInTreeAutoscaling=YES,
    headGroupSpec=HEAD,
    workerGroupSpecs=many(WORKERS),
)
JOB = schema(
    "apiVersion kind metadata spec",
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=schema("name", name=TEXT, namespace=TEXT, labels=TEXTS),
    spec=schema(
        "entrypoint rayClusterSpec",
        entrypoint=TEXT,
        rayClusterSpec=CLUSTER,
        backoffLimit=WHOLE,
        activeDeadlineSeconds=WHOLE,
        shutdownAfterJobFinishes=YES,
        ttlSecondsAfterFinished=WHOLE,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
        runtimeEnvYAML=TEXT,
    ),
)


def read(name: str) -> dict[str, Any]:
    """One of the files."""
    content: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
    return content


def launcher_checks(config: dict[str, Any]) -> dict[str, Any]:
    """What `ray up` makes of a cluster file before it starts anything."""
    util = pytest.importorskip("ray.autoscaler._private.util", reason="Ray's own checks need ray")
    prepared: dict[str, Any] = util.prepare_config(copy.deepcopy(config))
    util.validate_config(prepared)
    return prepared


def pods() -> list[dict[str, Any]]:
    """The pods of the KubeRay manifest, the head's first."""
    cluster = read("kuberay-job.yaml")["spec"]["rayClusterSpec"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_rays_launcher_takes_the_cluster_file() -> None:
    config = read("ray-cluster.yaml")
    prepared = launcher_checks(config)
    assert prepared["max_workers"] == len(config["provider"]["worker_ips"])
    assert prepared["available_node_types"]["local.cluster.node"]["min_workers"] == prepared["max_workers"]


def test_rays_launcher_refuses_a_field_it_does_not_know() -> None:
    with pytest.raises(jsonschema.ValidationError, match="worker_addresses"):
        launcher_checks({**read("ray-cluster.yaml"), "worker_addresses": ["10.0.0.11"]})


def test_ray_knows_every_option_that_it_is_started_with() -> None:
    scripts = pytest.importorskip("ray.scripts.scripts", reason="Ray's own commands need ray")
    config = read("ray-cluster.yaml")
    for line in (*config["head_start_ray_commands"], *config["worker_start_ray_commands"]):
        name, *arguments = line.partition("bin/ray ")[2].split()
        assert scripts.cli.commands[name].make_context(name, arguments).params


def test_workers_find_the_head_and_nobody_else_sees_the_dashboard() -> None:
    config = read("ray-cluster.yaml")
    (head,) = (line for line in config["head_start_ray_commands"] if "ray start" in line)
    (worker,) = (line for line in config["worker_start_ray_commands"] if "ray start" in line)
    assert "--port=6379" in head
    assert "--address=$RAY_HEAD_IP:6379" in worker
    assert "--dashboard-host=127.0.0.1" in head
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in head


def test_every_process_asks_for_the_token_and_computes_on_one_thread() -> None:
    config = read("ray-cluster.yaml")
    starts = [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    for line in (line for line in starts if "ray start" in line):
        assert {"RAY_AUTH_MODE=token", "RAY_USAGE_STATS_ENABLED=0", "OPENBLAS_NUM_THREADS=1"} <= set(line.split())
    assert read("kuberay-job.yaml")["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    for pod in pods():
        environment = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
        assert environment["OPENBLAS_NUM_THREADS"] == "1"
        assert environment["RAY_USAGE_STATS_ENABLED"] == "0"


def test_both_files_name_one_version_of_ray_and_of_lexigrad() -> None:
    import lexigrad

    job = read("kuberay-job.yaml")["spec"]["rayClusterSpec"]
    installs = " ".join(read("ray-cluster.yaml")["setup_commands"])
    assert f"ray[default]=={job['rayVersion']}" in installs
    assert f"lexigrad-{lexigrad.__version__}-" in installs
    images = {pod["containers"][0]["image"] for pod in pods()}
    assert images == {f"registry.example.com/lexigrad:{lexigrad.__version__}-ray{job['rayVersion']}"}


def test_the_wheel_that_is_installed_is_the_one_that_is_copied() -> None:
    config = read("ray-cluster.yaml")
    (wheel,) = (path for path in config["file_mounts"] if path.endswith(".whl"))
    assert f"{wheel.replace('~', '$HOME')}[ray]" in " ".join(config["setup_commands"])


def test_the_manifest_has_the_fields_of_kuberay_and_of_pods() -> None:
    jsonschema.validate(read("kuberay-job.yaml"), JOB)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"], 0),
        (["spec", "rayClusterSpec", "workers"], []),
        (["spec", "rayClusterSpec", "workerGroupSpecs", 0, "minReplicas"], "4"),
        (["spec", "rayClusterSpec", "workerGroupSpecs", 0, "template", "spec", "containers", 0, "env", 0, "value"], 1),
    ],
    ids=["a number for a string", "an unknown field", "a string for a number", "a number in the environment"],
)
def test_a_wrong_manifest_is_refused(path: list[Any], value: Any) -> None:
    manifest = copy.deepcopy(read("kuberay-job.yaml"))
    place: Any = manifest
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, JOB)


def test_pods_mount_volumes_that_they_have_and_get_what_they_ask_for() -> None:
    for pod in pods():
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
        assert container["resources"]["requests"] == container["resources"]["limits"]


@pytest.mark.parametrize("name", ["kuberay-job.yaml", "on-a-cluster.md"])
def test_train_takes_the_command_of_the_manifest_and_those_of_the_guide(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lexigrad.cli.main import main

    if name.endswith(".yaml"):
        lines = [read(name)["spec"]["entrypoint"]]
    else:
        lines = (EXAMPLES.parent / "guides" / name).read_text(encoding="utf-8").splitlines()
    found = [line.partition("lexigrad train ")[2].strip("'") for line in lines if "lexigrad train " in line]
    commands = [line for line in found if "--ray auto" in line]
    assert commands
    monkeypatch.chdir(tmp_path)
    for line in commands:  # the folders are not on this machine
        arguments = [part.replace("/data/", "").replace("/shared/", "") for part in line.split()]
        given = main.commands["train"].make_context("train", arguments).params
        assert (given["ray"], given["corpus"], given["output"]) == ("auto", ("corpus",), Path("model.safetensors"))
        assert given["replicas"] > 1


def test_the_head_computes_nothing_and_there_is_a_worker_for_each_replica() -> None:
    spec = read("kuberay-job.yaml")["spec"]
    cluster = spec["rayClusterSpec"]
    (workers,) = cluster["workerGroupSpecs"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert f"--replicas {workers['replicas']}" in spec["entrypoint"]
    assert workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]
