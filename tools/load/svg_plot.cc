#include "tools/load/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sluice::tools::load {

namespace {

constexpr double kWidth = 860;
constexpr double kHeight = 280;
constexpr double kLeft = 76;
constexpr double kRight = 16;
constexpr double kTop = 36;
constexpr double kBottom = 44;

struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  double from = 0;  // pixels
  double to = 1;

  [[nodiscard]] double at(double value) const {
    const double a = logarithmic ? std::log10(low) : low;
    const double b = logarithmic ? std::log10(high) : high;
    const double v = logarithmic ? std::log10(value) : value;
    return from + (v - a) / (b - a) * (to - from);
  }
};

bool shown(const std::pair<double, double>& point, bool logarithmic) {
  return std::isfinite(point.first) && std::isfinite(point.second) && (!logarithmic || point.second > 0);
}

// Steps of 1, 2 or 5 times a power of ten, about five of them.
double round_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 5)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (range / (power * factor) <= 6) return power * factor;
  }
  return power * 10;
}

std::vector<std::pair<double, std::string>> ticks_of(const Axis& axis) {
  std::vector<std::pair<double, std::string>> out;
  if (axis.logarithmic) {
    for (double value = axis.low; value <= axis.high * 1.001; value *= 10)
      out.emplace_back(value, fmt::format("{:g}", value));
    return out;
  }
  const double step = round_step(axis.high - axis.low);
  for (double value = std::ceil(axis.low / step) * step; value <= axis.high + step / 1000; value += step) {
    out.emplace_back(value, fmt::format("{:g}", std::abs(value) < step / 1000 ? 0 : value));
  }
  return out;
}

void set_ranges(const Plot& plot, Axis& x, Axis& y) {
  double y_low = INFINITY;
  double y_high = 0;
  x.low = INFINITY;
  x.high = -INFINITY;
  for (const PlotLine& line : plot.lines) {
    for (const auto& point : line.points) {
      if (!shown(point, plot.y_logarithmic)) continue;
      x.low = std::min(x.low, point.first);
      x.high = std::max(x.high, point.first);
      y_low = std::min(y_low, point.second);
      y_high = std::max(y_high, point.second);
    }
  }
  if (!(x.high > x.low)) {
    x.low = std::isfinite(x.low) ? x.low : 0;
    x.high = x.low + 1;
  }
  y.logarithmic = plot.y_logarithmic;
  if (y.logarithmic) {
    if (!std::isfinite(y_low)) y_low = y_high = 1;
    y.low = std::pow(10, std::floor(std::log10(y_low)));
    y.high = std::pow(10, std::ceil(std::log10(y_high)));
    if (y.high <= y.low) y.high = y.low * 10;
  } else {
    y.high = y_high > 0 ? y_high * 1.05 : 1;
  }
}

}  // namespace

std::string html_escaped(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += letter;
    }
  }
  return out;
}

std::string svg_plot(const Plot& plot) {
  Axis x{0, 1, false, kLeft, kWidth - kRight};
  Axis y{0, 1, false, kHeight - kBottom, kTop};
  set_ranges(plot, x, y);
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">\n<text class=\"title\" x=\"{:g}\" "
      "y=\"18\">{}</text>\n",
      kWidth, kHeight, html_escaped(plot.title), kLeft, html_escaped(plot.title));
  if (plot.shaded_to > x.low) {
    const double end = x.at(std::min(plot.shaded_to, x.high));
    out += fmt::format("<rect class=\"warm\" x=\"{:g}\" y=\"{:g}\" width=\"{:.1f}\" height=\"{:g}\"/>\n", kLeft, kTop,
                       end - kLeft, kHeight - kBottom - kTop);
  }
  for (const auto& [value, label] : ticks_of(y)) {
    out += fmt::format("<line class=\"grid\" x1=\"{:g}\" x2=\"{:g}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kLeft,
                       kWidth - kRight, y.at(value), y.at(value));
    out += fmt::format("<text class=\"tick\" text-anchor=\"end\" x=\"{:g}\" y=\"{:.1f}\">{}</text>\n", kLeft - 8,
                       y.at(value) + 4, label);
  }
  for (const auto& [value, label] : plot.x_ticks.empty() ? ticks_of(x) : plot.x_ticks) {
    if (value < x.low || value > x.high) continue;
    out += fmt::format("<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1f}\" y=\"{:g}\">{}</text>\n", x.at(value),
                       kHeight - kBottom + 18, label);
  }
  out += fmt::format("<text class=\"tick\" text-anchor=\"end\" x=\"{:g}\" y=\"{:g}\">{}</text>\n", kWidth - kRight,
                     kHeight - 8, html_escaped(plot.x_label));
  out += fmt::format("<text class=\"tick\" text-anchor=\"end\" x=\"{:g}\" y=\"{:g}\">{}</text>\n", kLeft - 8, 18.0,
                     html_escaped(plot.y_label));
  double legend = kWidth - kRight;
  for (const PlotLine& line : plot.lines) {
    std::string points;
    for (const auto& point : line.points) {
      if (shown(point, y.logarithmic)) points += fmt::format("{:.1f},{:.1f} ", x.at(point.first), y.at(point.second));
    }
    out += fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", line.style, points);
    out += fmt::format("<text class=\"tick {0}\" text-anchor=\"end\" x=\"{1:g}\" y=\"18\">{2}</text>\n", line.style,
                       legend, html_escaped(line.name));
    legend -= 14 + 7.5 * static_cast<double>(line.name.size());
  }
  return out + "</svg>\n";
}

}  // namespace sluice::tools::load
