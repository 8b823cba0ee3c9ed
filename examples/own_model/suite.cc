// mine: loadpath's whole command line for EventNet. mine --help shows it.
#include <loadpath/suite.h>

#include "event_net.h"

int main(int argc, char** argv) {
  return loadpath::SuiteMain(
      argc, argv,
      {loadpath::Model{
          .name = "eventnet",
          .summary =
              "EventNet: convolution, batch norm, embedding, two-layer bidirectional GRU; two inputs and outputs",
          .make = [] { return std::make_shared<EventNet>(); },
          .example_inputs =
              [](std::int64_t batch) {
                return std::vector{loadpath::ExampleInput({batch, 12, 40}, 1), loadpath::ExampleTokens({batch}, 5, 2)};
              },
          .forward =
              [](torch::nn::Module& net, std::span<const at::Tensor> inputs) {
                Events events = dynamic_cast<EventNet&>(net).forward(inputs[0], inputs[1]);
                return std::vector{events.logits, events.state};
              },
          .batches = {1, 8}}});
}
