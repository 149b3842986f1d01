"""Our SLIME command lines through SLIME's own parse_args(), on a machine without a GPU.

Sources are read from three folders: SLIME, the Megatron-LM commit that its image pins, with the
patches of slime/docker/patch/latest applied, and an unpacked sglang wheel (sglang-router beside
it). What only works on a GPU (triton, kernels, ray, …) is replaced by empty modules, after torch,
Megatron and transformers are imported. Checkpoints are folders with a config.json. Names the flags
that are lost on the way: SLIME drops what it does not know (coprover/slime_installed.py). Needs
beside our requirements: six sentencepiece tiktoken tensorboard pylatexenc orjson pybase64 einops
setproctitle msgspec.

Run: python -m coprover.slime_args grpo --set grpo.model=DIR models.generator=DIR > grpo.args
     python -m benchmarks.slime_parse grpo.args --slime slime --megatron Megatron-LM --sglang sgl
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import os
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock

from coprover import config

# packages that are GPU code, or of no use for parsing
ABSENT = frozenset(
    "IPython anthropic apache_tvm_ffi av blobfile compressed_tensors cuda cutlass decord deep_ep"
    " deep_gemm dill flashinfer gguf grpc hf_transfer interegular kernels llguidance modelscope"
    " nvidia nvtx openai openai_harmony outlines partial_json_parser py_spy pynvml quack ray"
    " remote_pdb sgl_deep_gemm sgl_kernel sglang_kernel smg_grpc_proto soundfile tilelang timm"
    " torchao torchaudio torchcodec torchvision traitlets triton tvm_ffi uvloop wandb watchfiles"
    " xgrammar zmq".split())


class Empty(types.ModuleType):
    """A module with everything in it, and nothing behind it."""

    __path__: list = []

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        made = _class(name) if name[0].isupper() and not name.isupper() else MagicMock(name=name)
        setattr(self, name, made)
        return made


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds an Empty module for every name below ABSENT."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Empty(spec.name)

    def exec_module(self, module):
        pass


def _class(name: str) -> type:
    """A class that can be subclassed, subscripted, and stand in a pydantic model."""
    import pydantic
    from pydantic_core import core_schema

    if name == "StructuralTag":
        return type(name, (pydantic.BaseModel,), {})
    return type(name, (), {
        "__init__": lambda self, *_, **__: None,
        "__class_getitem__": classmethod(lambda cls, item: cls),
        "__get_pydantic_core_schema__": classmethod(lambda cls, *_: core_schema.any_schema())})


def prepare(slime: Path, megatron: Path, sglang: Path) -> None:
    """Makes the sources importable here; the order matters."""
    os.environ["CUDA_DEVICE_MAX_CONNECTIONS"] = "1"
    sys.path[:0] = [str(p.resolve()) for p in (slime, megatron, sglang)]
    import torch

    torch.compile = lambda f=None, *_, **__: f if callable(f) else (lambda g: g)
    torch.cuda.get_device_capability = lambda *_: (9, 0)
    torch.cuda.device_count = lambda: 8
    torch.cuda.get_device_properties = lambda *_: types.SimpleNamespace(
        major=9, minor=0, total_memory=141 << 30, multi_processor_count=132, name="H200")
    kernels = "megatron.core.transformer.custom_layers.batch_invariant_kernels"
    sys.modules[kernels] = Empty(kernels)
    import megatron.training.arguments  # noqa: F401
    from transformers import AutoConfig

    register = AutoConfig.register  # sglang adds models that a newer transformers has already
    AutoConfig.register = staticmethod(lambda key, value, **_: register(key, value, exist_ok=True))
    sys.meta_path.append(Absent())
    chunk = Empty("sglang.srt.layers.attention.fla.chunk_delta_h")
    chunk.CHUNK_SIZE = 64
    sys.modules[chunk.__name__] = chunk
    for name in ("slime.backends", "slime.backends.megatron_utils"):  # their __init__ probes GPUs
        module = types.ModuleType(name)
        module.__path__ = [str(slime.resolve() / name.replace(".", "/"))]
        sys.modules[name] = module


def main() -> int:
    """Parses and reports; SLIME's own errors end the program."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arguments", type=Path, help="one argument a line (coprover.slime_args)")
    for name in ("slime", "megatron", "sglang"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="folder of its source")
    options = parser.parse_args()
    given = options.arguments.read_text(encoding="utf-8").splitlines()
    prepare(options.slime, options.megatron, options.sglang)
    from coprover.slime_installed import check

    print(f"slime_parse: parsed; {check(given)} flags, none lost")
    return 0


if __name__ == "__main__":
    config.main(main)
