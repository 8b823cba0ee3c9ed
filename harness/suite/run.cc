#include "harness/suite/run.h"

#include <c10/util/Exception.h>

namespace loadpath {

std::string ReasonOf(const std::exception& error) {
  const auto* libtorch = dynamic_cast<const c10::Error*>(&error);
  std::string text = libtorch != nullptr ? libtorch->what_without_backtrace() : error.what();
  while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
  return text;
}

Run::Run(const Case& one) : case_(one) {
  record.name = one.name();
  record.group = one.group();
  record.label = one.label();
  record.kind = one.kind;
  record.model = one.model;
  record.format = one.format;
  record.layout = one.layout;
  record.path = one.path;
  record.device = one.device;
  record.cache = one.cache;
  if (one.batch > 0) record.batch = one.batch;
  if (one.threads > 0) record.threads = one.threads;
}

}  // namespace loadpath
