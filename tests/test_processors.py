"""Each setting does make its library compute as another processor would: otherwise running the tests under it shows nothing."""

import os
import platform
import subprocess
import sys

import pytest

from tests import processors

pytest.importorskip("torch")

CODE = """
import ctypes, json, numpy, torch
from numba.core.registry import cpu_target
from numpy._core import _multiarray_umath as core

loaded = sorted({line.split()[-1] for line in open("/proc/self/maps") if "openblas" in line})
core_name = ctypes.CDLL(loaded[0]).scipy_openblas_get_corename64_
core_name.restype = ctypes.c_char_p
torch.nn.functional.conv2d(torch.ones(8, 16, 32, 32), torch.ones(16, 16, 3, 3))
found = {
    "torch": torch.backends.cpu.get_cpu_capability(),
    "numpy": [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]],
    "numba": cpu_target.target_context.codegen().magic_tuple()[1:],
    "openblas": core_name().decode(),
    "threads": torch.get_num_threads(),
}
print(json.dumps(found))
"""
EXPECTED = {
    "torch": '"torch": "DEFAULT"', "onednn": "cpu,isa:Intel SSE4.1", "numba": '"numba": ["generic", ""]', "numpy": '"numpy": []',
    "openblas-haswell": '"openblas": "Haswell"', "openblas-nehalem": '"openblas": "Nehalem"', "threads": '"threads": 2',
}  # fmt: skip


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="the names of processors are those of x86"
)
@pytest.mark.parametrize("name", ["together", "openblas-haswell", "threads"])  # together: all but these two
def test_a_setting_is_taken(name):
    here = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}  # torch has several
    here |= {"ONEDNN_VERBOSE": "1", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", CODE], env=here | processors.SETTINGS[name], capture_output=True, text=True, check=True
    )
    parts = [part for part in EXPECTED if processors.SETTINGS[part].items() <= processors.SETTINGS[name].items()]
    assert len(parts) == (1 if name != "together" else 5)
    assert all(EXPECTED[part] in run.stdout for part in parts), run.stdout


def test_an_unknown_setting_is_refused(capsys):
    with pytest.raises(SystemExit):
        processors.main(["sparc"])
    assert "'sparc' is no setting; there are torch, onednn" in capsys.readouterr().err
