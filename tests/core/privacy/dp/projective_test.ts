import { assertAlmostEquals, assertEquals } from "@std/assert";
import { innerProduct, pointCount, pointOf, vectorOf } from "../../../../core/privacy/dp/projective.ts";
import { orthogonalSums } from "../../../../core/privacy/dp/projective_transform.ts";
import { seededRandom } from "../../../support/base/seeded_random.ts";

const SPACES = [[2, 3], [2, 7], [3, 3], [3, 5], [5, 3], [5, 4], [7, 3], [13, 3]] as const;

const vectorsOf = (q: number, dimension: number) =>
  Array.from({ length: pointCount(q, dimension) }, (_, point) => vectorOf(q, dimension, point));

Deno.test("pointOf() undoes vectorOf(), and gives all multiples of a vector one point", () => {
  for (const [q, dimension] of SPACES) {
    const vectors = vectorsOf(q, dimension);
    assertEquals(new Set(vectors.map(String)).size, vectors.length);
    for (const [point, vector] of vectors.entries()) {
      for (let factor = 1; factor < q; factor++) {
        assertEquals(pointOf(q, vector.map((digit) => digit * factor % q)), point);
      }
    }
  }
});

Deno.test("the points orthogonal to a point are as many for each, and so are those orthogonal to any two", () => {
  for (const [q, dimension] of SPACES) {
    const vectors = vectorsOf(q, dimension);
    const sets = vectors.map((normal) =>
      new Set(vectors.keys().filter((point) => innerProduct(q, normal, vectors[point]!) === 0))
    );
    for (const [index, set] of sets.entries()) {
      assertEquals(set.size, pointCount(q, dimension - 1));
      for (const other of sets.slice(index + 1)) {
        assertEquals(set.intersection(other).size, pointCount(q, dimension - 2));
      }
    }
  }
});

Deno.test("orthogonalSums() is the sum over the orthogonal points, one by one", () => {
  for (const [order, dimension] of SPACES) {
    const vectors = vectorsOf(order, dimension);
    const random = seededRandom(order);
    const values = vectors.map(() => random.uint32() % 1_000 - 300);
    const sums = orthogonalSums({ order, dimension }, values);
    for (const [point, normal] of vectors.entries()) {
      const expected = vectors.reduce(
        (sum, vector, index) => innerProduct(order, normal, vector) === 0 ? sum + values[index]! : sum,
        0,
      );
      assertAlmostEquals(sums[point]!, expected, 1e-8);
    }
  }
});
