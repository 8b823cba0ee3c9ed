#include "tests/state/modules.h"

#include <torch/torch.h>

#include <functional>
#include <map>

#include "harness/state/scalar_type.h"
#include "loadpath/dtype.h"
#include "loadpath/module_info.h"

namespace loadpath {
namespace {

namespace nn = torch::nn;

struct Blocks : nn::Module {
  Blocks() {
    // A Sequential cannot hold another one in LibTorch; the names are the same.
    auto inner = std::make_shared<nn::Module>();
    inner->register_module("0", nn::Linear(2, 2));
    inner->register_module("1", nn::ReLU());
    register_module("0", inner);
    register_module("1", nn::BatchNorm1d(2));
  }
};

struct Net : nn::Module {
  Net() {
    register_module("conv", nn::Conv2d(nn::Conv2dOptions(1, 2, 3)));
    register_module("bn", nn::BatchNorm2d(2));
    register_module("fc", nn::Linear(2, 3));
    register_module("blocks", std::make_shared<Blocks>());
  }
};

struct NoneChild : nn::Module, ModuleInfo {
  NoneChild() {
    register_module("fc", nn::Linear(2, 2));
    none_modules = {"head"};
  }
};

struct Buffers : nn::Module, ModuleInfo {
  Buffers() {
    register_parameter("weight", torch::zeros(2));
    register_parameter("bias", torch::Tensor(), /*requires_grad=*/false);
    register_buffer("kept", torch::zeros(3));
    register_buffer("transient", torch::zeros(3));
    register_buffer("nothing", torch::Tensor());
    non_persistent = {"transient"};
  }
};

struct Scalars : nn::Module {
  Scalars() {
    register_parameter("scale", torch::ones({}));
    register_buffer("count", torch::zeros({}, torch::kLong));
    register_buffer("empty", torch::zeros({0, 3}));
  }
};

constexpr Dtype kLastOfAll = Dtype::kFloat8E8m0fnu;

struct Dtypes : nn::Module, ModuleInfo {
  Dtypes(Dtype first, Dtype last) {
    python_class = "Dtypes";
    for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
      const auto dtype = static_cast<Dtype>(i);
      register_buffer("to_" + std::string(Name(dtype)), torch::empty({5}, ToScalarType(dtype)));
    }
  }
};

struct Weight : nn::Module {
  explicit Weight(const at::Tensor& weight) { register_parameter("weight", weight); }
};

struct Tied : nn::Module {
  Tied() {
    const at::Tensor weight = torch::zeros({3, 2});
    register_module("a", std::make_shared<Weight>(weight));
    register_module("b", std::make_shared<Weight>(weight));
  }
};

struct SharedChild : nn::Module {
  SharedChild() {
    auto first = register_module("first", nn::Linear(2, 2));
    register_module("second", first);
  }
};

struct Frozen : nn::Module {
  Frozen() {
    register_parameter("free", torch::zeros({2, 3}));
    register_parameter("frozen", torch::zeros({2, 3}), false);
    register_parameter("counts", torch::zeros({4}, torch::kLong), false);
    register_buffer("buffer", torch::zeros({2, 3}));
  }
};

struct Strided : nn::Module {
  Strided() {
    register_parameter("transposed", torch::zeros({3, 2}).t());
    register_buffer("expanded", torch::zeros(1).expand(3));
  }
};

struct Norms : nn::Module {
  Norms() {
    register_module("plain", nn::InstanceNorm1d(3));
    register_module("tracking",
                    nn::InstanceNorm2d(nn::InstanceNorm2dOptions(3).affine(true).track_running_stats(true)));
    register_module("batch", nn::BatchNorm3d(nn::BatchNorm3dOptions(3).affine(false)));
  }
};

struct Meta : nn::Module {
  Meta() {
    auto fc = register_module("fc", std::make_shared<nn::Module>());
    fc->register_parameter("weight", torch::empty({2, 2}, torch::kMeta));
    fc->register_parameter("bias", torch::empty({2}, torch::kMeta));
    register_module("head", nn::Linear(2, 2));
  }
};

struct Parts : nn::Module {
  Parts() {
    register_module("list", nn::ModuleList(nn::Linear(2, 2), nn::LayerNorm(nn::LayerNormOptions({2}))));
    register_module("dict", nn::ModuleDict(std::vector<std::pair<std::string, std::shared_ptr<nn::Module>>>{
                                {"one", nn::Linear(2, 1).ptr()}, {"two", nn::PReLU().ptr()}}));
    register_module(
        "weights", nn::ParameterList(torch::zeros(2, torch::requires_grad()), torch::zeros(1, torch::requires_grad())));
  }
};

template <class Module>
std::shared_ptr<nn::Module> Made() {
  return std::make_shared<Module>();
}

using Factory = std::function<std::shared_ptr<nn::Module>()>;

const std::map<std::string, Factory>& Factories() {
  static const std::map<std::string, Factory> factories = {
      {"linear", [] { return nn::Linear(3, 2).ptr(); }},
      {"linear without bias", [] { return nn::Linear(nn::LinearOptions(3, 2).bias(false)).ptr(); }},
      {"sequential", [] { return nn::Sequential(nn::Linear(3, 4), nn::ReLU(), nn::Linear(4, 2)).ptr(); }},
      {"net", Made<Net>},
      {"batch norm", [] { return nn::BatchNorm1d(3).ptr(); }},
      {"batch norm without statistics",
       [] { return nn::BatchNorm1d(nn::BatchNorm1dOptions(3).track_running_stats(false)).ptr(); }},
      {"instance norm", [] { return nn::InstanceNorm1d(3).ptr(); }},
      {"instance norm tracking",
       [] { return nn::InstanceNorm1d(nn::InstanceNorm1dOptions(3).affine(true).track_running_stats(true)).ptr(); }},
      {"norms", Made<Norms>},
      {"none child", Made<NoneChild>},
      {"buffers", Made<Buffers>},
      {"scalars", Made<Scalars>},
      {"dtypes", [] { return std::make_shared<Dtypes>(Dtype::kBool, kLastOfAll); }},
      {"float4", [] { return std::make_shared<Dtypes>(Dtype::kFloat4E2m1fnX2, Dtype::kFloat4E2m1fnX2); }},
      {"tied", Made<Tied>},
      {"shared child", Made<SharedChild>},
      {"frozen", Made<Frozen>},
      {"strided", Made<Strided>},
      {"meta", Made<Meta>},
      {"parts", Made<Parts>},
      {"embedding", [] { return nn::Embedding(4, 3).ptr(); }},
      {"embedding bag", [] { return nn::EmbeddingBag(4, 3).ptr(); }},
      {"conv1d", [] { return nn::Conv1d(nn::Conv1dOptions(2, 3, 2)).ptr(); }},
      {"conv3d", [] { return nn::Conv3d(nn::Conv3dOptions(1, 1, 2)).ptr(); }},
      {"conv transpose", [] { return nn::ConvTranspose2d(nn::ConvTranspose2dOptions(1, 2, 2)).ptr(); }},
      {"layer norm",
       [] {
         return nn::LayerNorm(nn::LayerNormOptions({2, 3})).ptr();
       }},
      {"group norm", [] { return nn::GroupNorm(2, 4).ptr(); }},
      {"bilinear", [] { return nn::Bilinear(2, 3, 4).ptr(); }},
      {"lstm", [] { return nn::LSTM(nn::LSTMOptions(2, 3).num_layers(2).bidirectional(true)).ptr(); }},
      {"lstm with projection", [] { return nn::LSTM(nn::LSTMOptions(2, 3).proj_size(2)).ptr(); }},
      {"gru", [] { return nn::GRU(2, 3).ptr(); }},
      {"rnn", [] { return nn::RNN(nn::RNNOptions(2, 3).bias(false)).ptr(); }},
      {"lstm cell", [] { return nn::LSTMCell(2, 3).ptr(); }},
      {"attention", [] { return nn::MultiheadAttention(4, 2).ptr(); }},
      {"attention with other sizes",
       [] {
         return nn::MultiheadAttention(nn::MultiheadAttentionOptions(4, 2).kdim(3).vdim(5).add_bias_kv(true)).ptr();
       }},
      {"encoder layer",
       [] { return nn::TransformerEncoderLayer(nn::TransformerEncoderLayerOptions(4, 2).dim_feedforward(8)).ptr(); }},
      {"decoder layer",
       [] { return nn::TransformerDecoderLayer(nn::TransformerDecoderLayerOptions(4, 2).dim_feedforward(8)).ptr(); }},
      {"adaptive softmax",
       [] {
         return nn::AdaptiveLogSoftmaxWithLoss(nn::AdaptiveLogSoftmaxWithLossOptions(16, 10, {2, 6})).ptr();
       }},
  };
  return factories;
}

void Fill(at::Tensor tensor) {
  if (tensor.is_meta()) return;
  const auto strides = tensor.strides();
  if (std::find(strides.begin(), strides.end(), 0) != strides.end()) {
    tensor.set_data(at::ones({1}, tensor.scalar_type()).expand(tensor.sizes()));
  } else if (tensor.scalar_type() == at::ScalarType::Float4_e2m1fn_x2) {
    tensor.set_data(Values(tensor.scalar_type(), tensor.sizes()));
  } else {
    tensor.copy_(Values(tensor.scalar_type(), tensor.sizes()));
  }
}

}  // namespace

at::Tensor Values(at::ScalarType type, at::IntArrayRef shape, double factor) {
  const at::Tensor numbers = (at::arange(c10::multiply_integers(shape)) % 11 + 1).to(at::kDouble) * factor;
  if (type == at::ScalarType::Float4_e2m1fn_x2) return numbers.to(at::kByte).view(type).reshape(shape);
  return numbers.to(type).reshape(shape);
}

std::shared_ptr<torch::nn::Module> MakeModule(const std::string& factory) {
  const auto found = Factories().find(factory);
  if (found == Factories().end()) return nullptr;
  auto module = found->second();
  const torch::NoGradGuard no_grad;
  for (const at::Tensor& tensor : module->parameters()) Fill(tensor);
  for (const at::Tensor& tensor : module->buffers()) Fill(tensor);
  return module;
}

}  // namespace loadpath
