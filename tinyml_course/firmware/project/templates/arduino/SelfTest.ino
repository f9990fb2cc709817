// Runs @NETWORK@ on an image whose output is known, every two seconds, and says whether it is right.
#include <@LIBRARY@.h>

#include "sample.h"

void setup() {
  Serial.begin(115200);
}

void loop() {
#ifdef NETWORK_INPUT
  memcpy(NETWORK_INPUT, sample_image, NETWORK_INPUT_BYTES);
#else
  network_image = sample_image;
#endif
  unsigned long start = micros();
  network_run();
  unsigned long passed = micros() - start;
  int differences = 0, best = 0;
  for (int i = 0; i < NETWORK_OUTPUT_BYTES; i++) {
    if (NETWORK_OUTPUT[i] != sample_output[i]) differences++;
    if (NETWORK_OUTPUT[i] > NETWORK_OUTPUT[best]) best = i;
  }
  Serial.print(differences ? "FAIL, bytes that differ: " : "PASS, bytes that differ: ");
  Serial.print(differences);
  Serial.print("; class ");
  Serial.print(best);
  Serial.print(", the image shows ");
  Serial.print(SAMPLE_CLASS);
  Serial.print("; microseconds: ");
  Serial.println(passed);
  delay(2000);
}
