#include "harness/results/record.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/results/statistics.h"

namespace loadpath {
namespace {

using Json = nlohmann::ordered_json;

void Put(Json& row, const char* name, const std::string& value) {
  if (!value.empty()) row[name] = value;
}
template <class T>
void Put(Json& row, const char* name, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(*value)) return;
  }
  row[name] = *value;
}
void PutMedian(Json& row, const char* name, const std::vector<std::int64_t>& values) {
  if (!values.empty()) row[name] = std::llround(Median(values));
}

// What Google Benchmark's own tools read of a row. A case without a time has none here either.
void PutTimes(Json& row, const Record& record) {
  row["run_name"] = record.name;
  row["run_type"] = "iteration";
  row["repetitions"] = 1;
  row["repetition_index"] = 0;
  row["threads"] = record.threads.value_or(1);
  row["iterations"] = record.samples_ns.size();
  if (record.status == "error") {
    row["error_occurred"] = true;
    row["error_message"] = record.reason;
  }
  if (record.samples_ns.empty()) return;
  const Statistics statistics = Summarize(record.samples_ns);
  row["real_time"] = statistics.median;
  row["cpu_time"] = statistics.median;
  row["time_unit"] = "ns";
  row["median_ns"] = statistics.median;
  Put(row, "p90_ns", statistics.p90);
  Put(row, "p99_ns", statistics.p99);
  if (record.bytes && statistics.median > 0) {
    row["bytes_per_second"] = static_cast<double>(*record.bytes) * 1e9 / statistics.median;
  }
}

Json ToJson(const Record& record) {
  Json row;
  row["name"] = record.name;
  PutTimes(row, record);
  Put(row, "items_per_second", record.items_per_second);
  row["case"] = record.kind;
  Put(row, "model", record.model);
  Put(row, "format", record.format);
  Put(row, "layout", record.layout);
  Put(row, "path", record.path);
  Put(row, "device", record.device);
  Put(row, "cache", record.cache);
  Put(row, "batch", record.batch);
  row["status"] = record.status;
  Put(row, "reason", record.reason);
  row["checked"] = record.checked;
  Put(row, "difference", record.difference);
  if (!record.crc.empty()) row["crc"] = record.crc;
  row["samples_ns"] = record.samples_ns;
  Put(row, "bytes", record.bytes);
  Put(row, "bytes_read", record.bytes_read);
  Put(row, "bytes_copied", record.bytes_copied);
  Put(row, "bytes_mapped", record.bytes_mapped);
  Put(row, "allocations", record.allocations);
  Put(row, "bytes_allocated", record.bytes_allocated);
  Put(row, "read_calls", record.read_calls);
  PutMedian(row, "minor_faults", record.minor_faults);
  PutMedian(row, "major_faults", record.major_faults);
  Put(row, "peak_extra_bytes", record.peak_extra_bytes);
  Put(row, "part_of_limit", record.part_of_limit);
  Put(row, "limit", record.limit);
  Put(row, "tensors_fallen_back", record.tensors_fallen_back);
  Put(row, "fallback", record.fallback);
  Put(row, "greatest_residency", record.greatest_residency);
  for (const auto& [phase, values] : record.phases_ns) PutMedian(row["phases_ns"], phase.c_str(), values);
  return row;
}

}  // namespace

void WriteResults(const std::string& file, const Context& context, std::span<const Record> records) {
  Json whole;
  for (const auto& [name, value] : context) whole["context"][name] = value;
  whole["benchmarks"] = Json::array();
  for (const Record& record : records) whole["benchmarks"].push_back(ToJson(record));
  const std::string temporary = file + "." + std::to_string(getpid()) + ".tmp";
  {
    std::ofstream stream(temporary);
    // Names and reasons may quote a file's own bytes.
    stream << whole.dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
    stream.flush();
    if (!stream) {
      std::remove(temporary.c_str());
      throw std::runtime_error(file + ": cannot be written");
    }
  }
  if (std::rename(temporary.c_str(), file.c_str()) != 0) {
    std::remove(temporary.c_str());
    throw std::runtime_error(file + ": cannot be written");
  }
}

}  // namespace loadpath
