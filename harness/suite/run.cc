#include "harness/suite/run.h"

namespace loadpath {

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
