// results-schema: prints the JSON Schema of the results. results/schema.json is its output.
#include <iostream>
#include <nlohmann/json.hpp>

#include "harness/results/fields.h"

int main() {
  std::cout << loadpath::ResultsSchema().dump(2) << "\n";
  return std::cout.good() ? 0 : 1;
}
