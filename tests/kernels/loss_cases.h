// SPDX-License-Identifier: MIT
// What PyTorch's cross-entropy gave (fixtures/kernels/cross_entropy.py), for the tests of each
// device.
#pragma once

#include <cmath>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "wick/core/backend.h"
#include "wick/core/backend/rows.h"

namespace wick::testing {

struct LossCase {
  std::string text;  // all of it, for messages
  std::int64_t rows;
  std::int64_t classes;
  std::vector<double> logits;
  std::vector<std::int64_t> targets;
  std::vector<double> weights;  // empty for none
  CrossEntropyArgs args;        // the options
  double loss;
  std::vector<double> grad;
};

/// A number, or "inf", "-inf" or "nan".
inline double number(const nlohmann::json& json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

inline std::vector<LossCase> loss_cases() {
  std::ifstream file(std::string(WICK_FIXTURES) + "/kernels/cross_entropy.json");
  const nlohmann::json all = nlohmann::json::parse(file);
  std::vector<LossCase> cases;
  for (const nlohmann::json& json : all.at("cases")) {
    LossCase c{json.dump(),
               json.at("rows"),
               json.at("classes"),
               json.at("logits"),
               json.at("targets"),
               {},
               {},
               number(json.at("loss").at(0)),
               {}};
    if (!json.at("weights").is_null()) c.weights = json.at("weights").get<std::vector<double>>();
    c.args.ignore_index = json.at("ignore_index");
    c.args.label_smoothing = json.at("smoothing");
    c.args.mean = json.at("mean");
    for (const nlohmann::json& g : json.at("grad")) c.grad.push_back(number(g));
    cases.push_back(std::move(c));
  }
  if (cases.empty()) throw std::runtime_error("cross_entropy.json has no cases");
  return cases;
}

/// NaN and infinities are the same ones, other numbers near.
inline void expect_like(double got, double want, const LossCase& c) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << got << ", PyTorch's nan: " << c.text;
  } else if (std::isinf(want)) {
    EXPECT_EQ(got, want) << c.text;
  } else {
    EXPECT_NEAR(got, want, 1e-5 * (1.0 + std::abs(want))) << c.text;
  }
}

}  // namespace wick::testing
