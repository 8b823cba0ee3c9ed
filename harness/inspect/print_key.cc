#include "harness/inspect/print_key.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <limits>

#include "harness/base/text.h"
#include "harness/inspect/numbers.h"
#include "harness/inspect/tensor_text.h"
#include "harness/inspect/value_lines.h"

namespace loadpath {
namespace {

constexpr std::size_t kMostPrintedLines = 100'000;

std::string NumberText(long double value, bool integer) {
  char text[64];
  std::snprintf(text, sizeof text, integer ? "%.0Lf" : "%.9Lg", value);
  return text;
}

// Adds rows on the range of the elements, which tell a trained tensor from a fresh or a broken one.
void AddStatistics(Table& table, std::span<const std::byte> elements, Dtype dtype) {
  const NumberClass kind = ClassOf(dtype);
  if (kind == NumberClass::kPacked || elements.empty()) return;
  const std::size_t size = ItemSize(dtype), count = elements.size() / size;
  long double smallest = std::numeric_limits<long double>::infinity(), largest = -smallest, sum = 0;
  std::uint64_t nan = 0, infinite = 0, zero = 0, finite = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Number number = ElementAt(elements.data() + i * size, dtype);
    zero += number.real == 0 && number.imag == 0;
    if (std::isnan(number.real) || std::isnan(number.imag)) {
      ++nan;
    } else if (std::isinf(number.real) || std::isinf(number.imag)) {
      ++infinite;
    } else {
      ++finite;
      sum += number.real;
    }
    if (std::isnan(number.real)) continue;
    smallest = std::min(smallest, number.real);
    largest = std::max(largest, number.real);
  }
  if (kind == NumberClass::kBool) {
    table.Add({"true", std::to_string(count - zero) + " of " + std::to_string(count)});
    return;
  }
  if (kind != NumberClass::kComplex && nan < count) {
    const bool integer = kind == NumberClass::kInteger;
    table.Add({"min", NumberText(smallest, integer)});
    table.Add({"max", NumberText(largest, integer)});
    if (finite) table.Add({"mean", NumberText(sum / static_cast<long double>(finite), false)});
  }
  table.Add({"zeros", std::to_string(zero)});
  if (kind == NumberClass::kInteger) return;
  table.Add({"NaN", std::to_string(nan)});
  table.Add({"infinite", std::to_string(infinite)});
}

// Puts a line for each tensor before those of the values.
void AddTensors(ValueLines& values, const Tree& tree, NodeId node) {
  std::vector<ValueLine> lines;
  for (const TensorPath& place : ListTensors(tree, node)) {
    if (lines.size() + values.lines.size() >= kMostPrintedLines) {
      values.more = true;
      break;
    }
    const TensorView& tensor = tree.tensor(place.node);
    lines.push_back({DottedPath(place.path), std::string(Name(tensor.dtype)) + " " + Brackets(tensor.shape)});
  }
  values.lines.insert(values.lines.begin(), std::make_move_iterator(lines.begin()),
                      std::make_move_iterator(lines.end()));
}

}  // namespace

std::string PrintKey(const Checkpoint& checkpoint, std::string_view key_path, CrcMode crc) {
  const Tree& tree = checkpoint.tree();
  const NodeId node = FollowKeyPath(checkpoint, key_path);
  std::string out;
  if (tree.kind(node) != NodeKind::kTensor) {
    ValueLines values = ListValues(tree, node, kMostPrintedLines, Detail::kWhole);
    AddTensors(values, tree, node);
    if (values.lines.size() == 1 && values.lines[0].path.empty()) return values.lines[0].text + "\n";
    AppendValueLines(out, values);
    return out.empty() ? Escaped(tree.ShortText(node)) + "\n" : out;
  }
  const TensorView& tensor = tree.tensor(node);
  const std::vector<std::byte> elements = ReadTensor(checkpoint, tensor, {.crc = crc});
  Table table({Align::kLeft, Align::kLeft});
  if (!key_path.empty()) table.Add({"key", Escaped(key_path)});
  table.Add({"dtype", std::string(Name(tensor.dtype))});
  table.Add({"shape", Brackets(tensor.shape)});
  table.Add({"stride", Brackets(tensor.stride)});
  table.Add({"storage", Escaped(checkpoint.storages()[tensor.storage].name) + " at element " +
                            std::to_string(tensor.storage_offset)});
  table.Add({"bytes", std::to_string(tensor.nbytes())});
  AddStatistics(table, elements, tensor.dtype);
  table.AppendTo(out);
  return out + TensorText(elements, tensor.dtype, tensor.shape) + "\n";
}

}  // namespace loadpath
