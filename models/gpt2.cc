#include <torch/nn/init.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>

#include "models/entries.h"

namespace loadpath {
namespace {

// transformers' GPT2Config(): the 124 M parameter model.
constexpr std::int64_t kVocabulary = 50257, kPositions = 1024, kWidth = 768, kBlocks = 12, kHeads = 12;
constexpr double kEpsilon = 1e-5, kInitStd = 0.02, kDropout = 0.1;
constexpr std::int64_t kExampleTokens = 16;

using torch::nn::Dropout;
using torch::nn::LayerNorm;

LayerNorm Norm() { return LayerNorm(torch::nn::LayerNormOptions({kWidth}).eps(kEpsilon)); }

// A linear layer whose weight is transposed, (in, out), as in transformers/pytorch_utils.py.
class Conv1D : public torch::nn::Module {
 public:
  Conv1D(std::int64_t out, std::int64_t in, double std) {
    weight_ = register_parameter("weight", torch::empty({in, out}));
    bias_ = register_parameter("bias", torch::empty({out}));
    torch::nn::init::normal_(weight_, 0.0, std);
    torch::nn::init::zeros_(bias_);
  }
  at::Tensor forward(const at::Tensor& x) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = weight_.size(1);
    return at::addmm(bias_, x.reshape({-1, weight_.size(0)}), weight_).view(shape);
  }

 private:
  at::Tensor weight_, bias_;
};

// The std of the projections back into the residual stream is scaled by 1/sqrt(residual layers), as in the GPT-2 paper.
const double kResidualStd = kInitStd / std::sqrt(2.0 * kBlocks);

class Attention : public torch::nn::Module {
 public:
  Attention() {
    c_attn_ = register_module("c_attn", std::make_shared<Conv1D>(3 * kWidth, kWidth, kInitStd));
    c_proj_ = register_module("c_proj", std::make_shared<Conv1D>(kWidth, kWidth, kResidualStd));
    resid_dropout_ = register_module("resid_dropout", Dropout(kDropout));
  }
  at::Tensor forward(const at::Tensor& x) {
    const std::int64_t batch = x.size(0), length = x.size(1);
    std::vector<at::Tensor> qkv = c_attn_->forward(x).split(kWidth, 2);
    for (at::Tensor& t : qkv) t = t.view({batch, length, kHeads, kWidth / kHeads}).transpose(1, 2);
    at::Tensor y = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], {}, is_training() ? kDropout : 0.0,
                                                    /*is_causal=*/true);
    return resid_dropout_->forward(c_proj_->forward(y.transpose(1, 2).reshape({batch, length, kWidth})));
  }

 private:
  std::shared_ptr<Conv1D> c_attn_, c_proj_;
  Dropout resid_dropout_{nullptr};
};

class Mlp : public torch::nn::Module {
 public:
  Mlp() {
    c_fc_ = register_module("c_fc", std::make_shared<Conv1D>(4 * kWidth, kWidth, kInitStd));
    c_proj_ = register_module("c_proj", std::make_shared<Conv1D>(kWidth, 4 * kWidth, kResidualStd));
    dropout_ = register_module("dropout", Dropout(kDropout));
  }
  at::Tensor forward(const at::Tensor& x) {
    return dropout_->forward(c_proj_->forward(at::gelu(c_fc_->forward(x), "tanh")));
  }

 private:
  std::shared_ptr<Conv1D> c_fc_, c_proj_;
  Dropout dropout_{nullptr};
};

class Block : public torch::nn::Module {
 public:
  Block() {
    ln_1_ = register_module("ln_1", Norm());
    attn_ = register_module("attn", std::make_shared<Attention>());
    ln_2_ = register_module("ln_2", Norm());
    mlp_ = register_module("mlp", std::make_shared<Mlp>());
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = x + attn_->forward(ln_1_->forward(x));
    return y + mlp_->forward(ln_2_->forward(y));
  }

 private:
  LayerNorm ln_1_{nullptr}, ln_2_{nullptr};
  std::shared_ptr<Attention> attn_;
  std::shared_ptr<Mlp> mlp_;
};

class Transformer : public torch::nn::Module {
 public:
  Transformer() {
    wte_ = register_module("wte", torch::nn::Embedding(kVocabulary, kWidth));
    wpe_ = register_module("wpe", torch::nn::Embedding(kPositions, kWidth));
    drop_ = register_module("drop", Dropout(kDropout));
    for (int i = 0; i < kBlocks; ++i) h_->push_back(std::make_shared<Block>());
    register_module("h", h_);
    ln_f_ = register_module("ln_f", Norm());
    for (auto& embedding : {wte_, wpe_}) torch::nn::init::normal_(embedding->weight, 0.0, kInitStd);
  }
  at::Tensor forward(const at::Tensor& tokens) {
    const at::Tensor positions = at::arange(tokens.size(1), tokens.options());
    at::Tensor x = drop_->forward(wte_->forward(tokens) + wpe_->forward(positions));
    for (const auto& block : *h_) x = block->as<Block>()->forward(x);
    return ln_f_->forward(x);
  }
  const at::Tensor& token_weight() const { return wte_->weight; }

 private:
  torch::nn::Embedding wte_{nullptr}, wpe_{nullptr};
  Dropout drop_{nullptr};
  torch::nn::ModuleList h_;
  LayerNorm ln_f_{nullptr};
};

// A linear layer without bias that shares its weight with another module: the same tensor under a second name.
class TiedLinear : public torch::nn::Module {
 public:
  explicit TiedLinear(const at::Tensor& weight) { weight_ = register_parameter("weight", weight); }
  at::Tensor forward(const at::Tensor& x) { return at::linear(x, weight_); }

 private:
  at::Tensor weight_;
};

class GPT2LMHeadModel : public torch::nn::Module {
 public:
  GPT2LMHeadModel() {
    transformer_ = register_module("transformer", std::make_shared<Transformer>());
    lm_head_ = register_module("lm_head", std::make_shared<TiedLinear>(transformer_->token_weight()));
  }

  // (batch, length) int64 -> logits (batch, length, vocabulary)
  at::Tensor forward(const at::Tensor& tokens) { return lm_head_->forward(transformer_->forward(tokens)); }

 private:
  std::shared_ptr<Transformer> transformer_;
  std::shared_ptr<TiedLinear> lm_head_;
};

}  // namespace

std::vector<Model> Gpt2Models() {
  const auto tokens = [](std::int64_t batch) { return ExampleTokens({batch, kExampleTokens}, kVocabulary, 7); };
  return {SingleInputModel<GPT2LMHeadModel>(
      "gpt2", "transformers' GPT2LMHeadModel: 124 M parameters, lm_head tied to the embedding, 498 MB", {1, 4},
      tokens)};
}

}  // namespace loadpath
