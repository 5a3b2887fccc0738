"""Releases of one population by OpenDP: reads what is asked as JSON, writes its noised counts.

Each row of the population is the one cell of a person. OpenDP counts the rows by cell and adds discrete noise of its
own; `loss` is what it says that one person more or less costs.
"""

import json
import sys

import opendp.prelude as dp
from opendp.accuracy import discrete_gaussian_scale_to_accuracy, discrete_laplacian_scale_to_accuracy

dp.enable_features("contrib")

asked = json.load(sys.stdin)
rows = dp.vector_domain(dp.atom_domain(T=str)), dp.symmetric_distance()
answers = []
for release in asked["releases"]:
    scale = float(release["scale"])
    is_laplace = release["kind"] == "laplace"
    norm = dp.L1Distance[int] if is_laplace else dp.L2Distance[float]
    counts = dp.t.make_count_by_categories(*rows, categories=release["cells"], null_category=False, MO=norm)
    add_noise = dp.m.then_laplace if is_laplace else dp.m.then_gaussian
    measure = counts >> add_noise(scale=scale)
    accuracy = discrete_laplacian_scale_to_accuracy if is_laplace else discrete_gaussian_scale_to_accuracy
    answers.append({
        "loss": measure.map(1),
        "accuracy": accuracy(scale, 0.05),
        "draws": [list(measure(release["people"])) for _ in range(asked["rounds"])],
    })
json.dump(answers, sys.stdout)
