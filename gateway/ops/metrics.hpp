/// What the gateway counts, as Prometheus text. Names begin with handoff_; labels are configuration names,
/// never a patient's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gateway::ops {

/// One number at the time of asking.
struct Sample {
  std::string name;  ///< "handoff_v2_messages_total"
  std::string help;
  bool is_counter = true;  ///< else a gauge
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

using Sampler = std::function<void(std::vector<Sample>& into)>;

/// Rooms register what they count; /metrics asks them all. Samplers must be thread-safe. Registered before
/// traffic.
class Metrics {
 public:
  void add(Sampler sampler) { samplers_.push_back(std::move(sampler)); }
  /// Prometheus text exposition format 0.0.4.
  std::string text() const;

 private:
  std::vector<Sampler> samplers_;
};

}  // namespace gateway::ops
