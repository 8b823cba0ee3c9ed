#include "harness/suite/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "harness/results/statistics.h"

namespace loadpath::bench {
namespace {

constexpr const char* kHead =
    "median, p90, p99: of all samples (p90 from 10 on, p99 from 100 on)   rate: bytes loaded, or items, per second\n"
    "of limit: that rate as a part of what the machine does at best        extra: peak memory beyond the parameters\n"
    "checked: every tensor and output compared before timing (+crc: the file's checksums too, on every load)\n";

std::string Digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
  return text;
}

std::string WithUnit(double value, double step, std::span<const char* const> units) {
  std::size_t unit = 0;
  while (unit + 1 < units.size() && value >= step * 0.9995) {
    value /= step;
    ++unit;
  }
  return Digits(value) + " " + units[unit];
}

std::string RateText(const Record& record, double median) {
  static constexpr std::array<const char*, 4> kBytes = {"B/s", "kB/s", "MB/s", "GB/s"};
  static constexpr std::array<const char*, 3> kItems = {"item/s", "kitem/s", "Mitem/s"};
  if (record.items_per_second) return WithUnit(*record.items_per_second, 1000, kItems);
  if (record.kind == "startup" || !record.bytes) return "";
  return WithUnit(static_cast<double>(*record.bytes) * 1e9 / median, 1000, kBytes);
}

std::string PartText(const Record& record) {
  if (!record.part_of_limit) return "";
  const double percent = *record.part_of_limit * 100;
  const std::string kind = record.limit.substr(0, record.limit.find('/'));
  if (percent < 1) return std::string("<1% ").append(kind);
  char text[64];
  std::snprintf(text, sizeof text, "%.0f%% %s", percent, kind.c_str());
  return text;
}

using Row = std::array<std::string, 8>;

}  // namespace

std::string TimeText(double ns) {
  static constexpr std::array<const char*, 4> kUnits = {"ns", "us", "ms", "s"};
  return WithUnit(ns, 1000, kUnits);
}

std::string SizeText(double bytes) {
  static constexpr std::array<const char*, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
  return bytes < 1 ? "0" : WithUnit(bytes, 1024, kUnits);
}

std::string CheckedText(const Record& record) {
  if (!record.checked) return record.kind == "limit" ? "" : "no";
  const auto found = record.crc.find("checked");
  if (found == record.crc.end()) return "yes";
  return record.crc.size() == 1 ? "yes+crc" : "yes+some";
}

std::string Table(std::span<const Record> records, const Context& context) {
  std::vector<Row> rows = {{"case", "median", "p90", "p99", "rate", "of limit", "extra", "checked"}};
  for (const Record& record : records) {
    Row row = {record.name};
    if (record.status == "ok") {
      const Statistics statistics = Summarize(record.samples_ns);
      row = {record.name,
             TimeText(statistics.median),
             statistics.p90 ? TimeText(*statistics.p90) : "",
             statistics.p99 ? TimeText(*statistics.p99) : "",
             RateText(record, statistics.median),
             PartText(record),
             record.peak_extra_bytes ? SizeText(static_cast<double>(*record.peak_extra_bytes)) : "",
             CheckedText(record)};
    }
    rows.push_back(row);
  }
  std::array<std::size_t, 8> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text = kHead;
  text += "\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line = rows[r][0] + std::string(widths[0] - rows[r][0].size(), ' ');
    const Record* record = r == 0 ? nullptr : &records[r - 1];
    if (record != nullptr && record->status != "ok") {
      line += "  " + record->status + ": " + record->reason;
    } else {
      for (std::size_t i = 1; i < widths.size(); ++i) {
        line += "  " + std::string(widths[i] - rows[r][i].size(), ' ') + rows[r][i];
      }
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (record != nullptr && !record->fallback.empty()) text += "    fell back to " + record->fallback + "\n";
    if (record != nullptr && record->status == "ok" && record->greatest_residency.value_or(0) > 0.01) {
      char note[96];
      std::snprintf(note, sizeof note, "    not cold: up to %.0f%% of the file stayed in the page cache\n",
                    *record->greatest_residency * 100);
      text += note;
    }
  }
  text += "\n";
  for (const auto& [name, value] : context) {
    if (name == "cpu" || name == "processors" || name == "memory" || name == "libtorch" || name == "threads" ||
        name == "date") {
      text += (text.ends_with('\n') ? "" : ", ") + name + " " + value;
    }
  }
  return text + "\n";
}

}  // namespace loadpath::bench
