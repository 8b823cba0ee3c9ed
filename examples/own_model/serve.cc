// serve TRAIN.PTH: what the program that you ship does: loads the training checkpoint into the model, and answers.
#include <loadpath/load.h>

#include <cstdio>

#include "event_net.h"

int main(int argc, char** argv) {
  try {
    auto [net, report] =
        loadpath::Load([] { return std::make_shared<EventNet>(); }, argc > 1 ? argv[1] : "train.pth",
                       {.key = "model", .prefixes = {"module.", "_orig_mod."}, .rename = {{"^layers\\.", "blocks."}}});
    net->eval();
    const at::NoGradGuard no_grad;
    const Events events = net->forward(at::ones({1, 12, 40}), at::zeros({1}, at::kLong));
    for (int i = 0; i < 4; ++i) std::printf("%.6f%c", events.logits[0][i].item<float>(), i < 3 ? ' ' : '\n');
    std::fputs(report.Text().c_str(), stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "serve: %s\n", error.what());
    return 2;
  }
}
