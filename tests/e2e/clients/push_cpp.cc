// prometheus-cpp; see README.md for the arguments. The library tells its caller the status and nothing else.

#include <prometheus/counter.h>
#include <prometheus/gateway.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

#include <iostream>
#include <memory>
#include <string>

namespace {

void fill(prometheus::Registry& registry, const std::string& step) {
  using namespace prometheus;
  if (step == "push") {
    BuildGauge().Name("cpp_gauge").Help("A gauge").Register(registry).Add({{"zone", "eu \"west\""}}).Set(1.5);
    BuildCounter().Name("cpp_jobs_total").Help("A counter").Register(registry).Add({}).Increment(3);
    auto& histogram = BuildHistogram()
                          .Name("cpp_seconds")
                          .Help("A histogram")
                          .Register(registry)
                          .Add({}, Histogram::BucketBoundaries{0.1, 1});
    for (const double value : {0.05, 0.5, 5.0}) {
      histogram.Observe(value);
    }
    BuildSummary()
        .Name("cpp_bytes")
        .Help("A summary")
        .Register(registry)
        .Add({}, Summary::Quantiles{{0.5, 0.05}})
        .Observe(10);
  } else if (step == "add") {
    BuildGauge().Name("cpp_more").Help("Added").Register(registry).Add({}).Set(7);
  } else if (step == "refused") {
    BuildGauge().Name("client_taken").Help("Taken").Register(registry).Add({}).Set(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string step = argv[1];
  auto registry = std::make_shared<prometheus::Registry>();
  fill(*registry, step);
  for (int i = 3; i < argc; ++i) {
    const std::string address = argv[i];
    const auto colon = address.find(':');
    prometheus::Gateway gateway(address.substr(0, colon), address.substr(colon + 1), argv[2], {{"instance", "c-1"}});
    gateway.RegisterCollectable(registry);
    const int status = step == "push"     ? gateway.Push()
                       : step == "delete" ? gateway.DeleteForInstance()
                                          : gateway.PushAdd();
    std::cout << "status " << status << '\n';
  }
}
