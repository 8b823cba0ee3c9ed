#include "harness/diff/name_parts.h"

#include <algorithm>
#include <iterator>

namespace loadpath {
namespace {

std::string RegexEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view("^$\\.*+?()[]{}|").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string ReplacementEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '$' ? "$$" : std::string(1, c);
  return escaped;
}

}  // namespace

bool IsNumber(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Parts Components(std::string_view key) {
  Parts parts;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('.', begin), key.size());
    parts.push_back(key.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string Joined(std::span<const std::string_view> parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) text.append(i == 0 ? "" : ".").append(parts[i]);
  return text;
}

bool SameNumbers(std::span<const std::string_view> a, std::span<const std::string_view> b) {
  const auto numbers = [](std::span<const std::string_view> parts) {
    Parts found;
    std::ranges::copy_if(parts, std::back_inserter(found), IsNumber);
    return found;
  };
  const Parts x = numbers(a), y = numbers(b);
  return x.empty() || y.empty() || x == y;
}

std::string NameChange::Applied(std::string_view name) const {
  if (begins) return name.starts_with(from) ? to + std::string(name.substr(from.size())) : std::string(name);
  std::string changed;
  for (std::size_t at = name.find(from); at != std::string_view::npos; at = name.find(from)) {
    changed.append(name.substr(0, at)).append(to);
    name.remove_prefix(at + from.size());
  }
  return changed.append(name);
}

KeyRename NameChange::Rule() const { return {(begins ? "^" : "") + RegexEscaped(from), ReplacementEscaped(to)}; }

NameChange ModuleRename(const std::string& from, const std::string& to) {
  const auto dotted = [](const std::string& name) { return name.empty() ? "" : name + "."; };
  return {.from = dotted(from), .to = dotted(to), .begins = true};
}

NameChange PartRename(const std::string& from, const std::string& to) {
  return {.from = "." + from + ".", .to = "." + to + (to.empty() ? "" : "."), .begins = false};
}

}  // namespace loadpath
