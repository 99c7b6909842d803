// A line plot as inline SVG: axes with round numbers, a legend, nothing from outside.
//
// Pure functions. Points that are not finite, or not positive on a logarithmic axis, are left out.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sluice::tools::load {

struct PlotLine {
  std::string name;
  std::string style;  // a class of the page's style sheet: "a", "b" or "c"
  std::vector<std::pair<double, double>> points;
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool y_logarithmic = false;
  std::vector<std::pair<double, std::string>> x_ticks;  // empty: round numbers
  double shaded_to = 0;                                 // from the left edge to here: the warm-up
  std::vector<PlotLine> lines;
};

[[nodiscard]] std::string svg_plot(const Plot& plot);

// `&`, `<`, `>` and quotes for HTML.
[[nodiscard]] std::string html_escaped(const std::string& text);

}  // namespace sluice::tools::load
