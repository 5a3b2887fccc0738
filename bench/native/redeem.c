/*
 * ristretto255-SHA512 (RFC 9497, mode 0x01) on native libsodium: the floor that the WebAssembly build of the same
 * library is compared with. The same steps as core/voprf/sodium.ts, and the line protocol of bench/contenders/serve.ts.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT_LENGTH 98
#define MAX_BATCH 1024

static const char CONTEXT[] = "OPRFV1-\x01-ristretto255-SHA512";
#define CONTEXT_LENGTH (sizeof CONTEXT - 1)

static unsigned char secret_key[32], public_key[32];
static unsigned char inputs[MAX_BATCH][INPUT_LENGTH], elements[MAX_BATCH][32];

static void must(int failed) {
  if (failed) {
    fputs("libsodium refused\n", stderr);
    exit(1);
  }
}

/* expand_message_xmd (RFC 9380, section 5.3.1) with SHA-512 to 64 bytes. */
static void expand(unsigned char out[64], const unsigned char *message, size_t length, const char *label) {
  unsigned char dst[64], b0[64];
  const unsigned char zero_pad[128] = {0}, length_out[3] = {0, 64, 0}, one = 1;
  const size_t label_length = strlen(label), dst_length = label_length + CONTEXT_LENGTH;
  crypto_hash_sha512_state state;
  memcpy(dst, label, label_length);
  memcpy(dst + label_length, CONTEXT, CONTEXT_LENGTH);
  dst[dst_length] = (unsigned char) dst_length;
  crypto_hash_sha512_init(&state);
  crypto_hash_sha512_update(&state, zero_pad, sizeof zero_pad);
  crypto_hash_sha512_update(&state, message, length);
  crypto_hash_sha512_update(&state, length_out, sizeof length_out);
  crypto_hash_sha512_update(&state, dst, dst_length + 1);
  crypto_hash_sha512_final(&state, b0);
  crypto_hash_sha512_init(&state);
  crypto_hash_sha512_update(&state, b0, sizeof b0);
  crypto_hash_sha512_update(&state, &one, 1);
  crypto_hash_sha512_update(&state, dst, dst_length + 1);
  crypto_hash_sha512_final(&state, out);
}

static void hash_to_group(unsigned char out[32], const unsigned char *input) {
  unsigned char uniform[64];
  expand(uniform, input, INPUT_LENGTH, "HashToGroup-");
  must(crypto_core_ristretto255_from_hash(out, uniform));
}

static void hash_to_scalar(unsigned char out[32], const unsigned char *message, size_t length) {
  unsigned char uniform[64];
  expand(uniform, message, length, "HashToScalar-");
  crypto_core_ristretto255_scalar_reduce(out, uniform);
}

/* Appends bytes behind their two-byte length. */
static unsigned char *prefixed(unsigned char *at, const void *bytes, size_t length) {
  at[0] = (unsigned char) (length >> 8);
  at[1] = (unsigned char) length;
  memcpy(at + 2, bytes, length);
  return at + 2 + length;
}

static void redeem(unsigned char output[64], const unsigned char *input) {
  unsigned char message[256], element[32], evaluated[32], *end = message;
  hash_to_group(element, input);
  must(crypto_scalarmult_ristretto255(evaluated, secret_key, element));
  end = prefixed(end, input, INPUT_LENGTH);
  end = prefixed(end, evaluated, 32);
  memcpy(end, "Finalize", 8);
  crypto_hash_sha512(output, message, (unsigned long long) (end + 8 - message));
}

static void blind(unsigned char blinded[32], const unsigned char *input) {
  unsigned char scalar[32], element[32];
  crypto_core_ristretto255_scalar_random(scalar);
  hash_to_group(element, input);
  must(crypto_scalarmult_ristretto255(blinded, scalar, element));
}

static void issue(int batch) {
  static unsigned char evaluated[MAX_BATCH][32];
  unsigned char message[512], seed[64], weight[32], term[32], m[32], z[32], r[32], t2[32], t3[32], c[32], s[32], *end;
  for (int i = 0; i < batch; i++) must(crypto_scalarmult_ristretto255(evaluated[i], secret_key, elements[i]));
  end = prefixed(message, public_key, 32);
  end[0] = 0;
  end[1] = (unsigned char) (5 + CONTEXT_LENGTH);
  memcpy(end + 2, "Seed-", 5);
  memcpy(end + 7, CONTEXT, CONTEXT_LENGTH);
  crypto_hash_sha512(seed, message, (unsigned long long) (end + 7 + CONTEXT_LENGTH - message));
  for (int i = 0; i < batch; i++) {
    end = prefixed(message, seed, 64);
    *end++ = (unsigned char) (i >> 8);
    *end++ = (unsigned char) i;
    end = prefixed(end, elements[i], 32);
    end = prefixed(end, evaluated[i], 32);
    memcpy(end, "Composite", 9);
    hash_to_scalar(weight, message, (size_t) (end + 9 - message));
    must(crypto_scalarmult_ristretto255(i == 0 ? m : term, weight, elements[i]));
    if (i > 0) must(crypto_core_ristretto255_add(m, m, term));
  }
  must(crypto_scalarmult_ristretto255(z, secret_key, m));
  crypto_core_ristretto255_scalar_random(r);
  must(crypto_scalarmult_ristretto255_base(t2, r));
  must(crypto_scalarmult_ristretto255(t3, r, m));
  end = prefixed(message, public_key, 32);
  end = prefixed(end, m, 32);
  end = prefixed(end, z, 32);
  end = prefixed(end, t2, 32);
  end = prefixed(end, t3, 32);
  memcpy(end, "Challenge", 9);
  hash_to_scalar(c, message, (size_t) (end + 9 - message));
  crypto_core_ristretto255_scalar_mul(s, c, secret_key);
  crypto_core_ristretto255_scalar_sub(s, r, s);
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec * 1e6 + (double) time.tv_nsec / 1e3;
}

int main(void) {
  char line[256], operation[32];
  unsigned char output[64];
  int batch, runs;
  must(sodium_init() < 0);
  memset(secret_key, 1, 32);
  must(crypto_scalarmult_ristretto255_base(public_key, secret_key));
  for (int i = 0; i < MAX_BATCH; i++) {
    memset(inputs[i], 0x61, INPUT_LENGTH);
    if (i > 0) inputs[i][INPUT_LENGTH - 1] = (unsigned char) i;
    blind(elements[i], inputs[i]);
  }
  while (fgets(line, sizeof line, stdin)) {
    if (strncmp(line, "check", 5) == 0) {
      redeem(output, inputs[0]);
      for (int i = 0; i < 64; i++) printf("%02x", output[i]);
      printf("\n");
    } else if (sscanf(line, "%31s %d %d", operation, &batch, &runs) == 3 && batch <= MAX_BATCH &&
               (!strcmp(operation, "blind") || !strcmp(operation, "issue") || !strcmp(operation, "redeem"))) {
      const double start = now_us();
      for (int run = 0; run < runs; run++) {
        if (operation[0] == 'i') issue(batch);
        for (int i = 0; operation[0] != 'i' && i < batch; i++) {
          if (operation[0] == 'b') blind(output, inputs[i]);
          else redeem(output, inputs[i]);
        }
      }
      printf("%f\n", (now_us() - start) / runs / batch);
    } else {
      printf("unsupported\n");
    }
    fflush(stdout);
  }
  return 0;
}
