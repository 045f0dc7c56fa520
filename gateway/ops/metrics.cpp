#include "gateway/ops/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace gateway::ops {

std::string Metrics::text() const {
  std::vector<Sample> samples;
  for (Sampler const& sampler : samplers_) sampler(samples);

  std::vector<prometheus::MetricFamily> families;
  for (Sample const& sample : samples) {
    auto family = std::ranges::find(families, sample.name, &prometheus::MetricFamily::name);
    if (family == families.end()) {
      prometheus::MetricFamily fresh;
      fresh.name = sample.name;
      fresh.help = sample.help;
      fresh.type = sample.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
      family = families.insert(families.end(), std::move(fresh));
    }
    prometheus::ClientMetric metric;
    for (auto const& [name, value] : sample.labels) metric.label.push_back({name, value});
    if (sample.is_counter) {
      metric.counter.value = sample.value;
    } else {
      metric.gauge.value = sample.value;
    }
    family->metric.push_back(std::move(metric));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace gateway::ops
