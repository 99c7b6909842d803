#include "tools/command_line/command_line.h"

#include <CLI/CLI.hpp>

namespace sluice::tools {
namespace {

// Booleans as the reference's help shows them.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const std::vector<std::string>& names = option->get_lnames();
    if (names.size() == 2 && names[1] == "no-" + names[0]) return "--[no-]" + names[0];
    return Formatter::make_option_name(option, is_positional);
  }
};

// As the library takes them: in reverse. For it `--name=` has no value; in two words it has an empty one.
std::vector<std::string> for_library(const std::vector<std::string>& arguments, const CLI::App& app,
                                     bool empty_values) {
  std::vector<std::string> words;
  for (const std::string& argument : arguments) {
    const CLI::Option* option = nullptr;
    if (empty_values && argument.ends_with('=')) {
      option = app.get_option_no_throw(argument.substr(0, argument.size() - 1));
    }
    if (option != nullptr && option->get_expected_min() > 0) {
      words.push_back(argument.substr(0, argument.size() - 1));
      words.emplace_back();
    } else {
      words.push_back(argument);
    }
  }
  return {words.rbegin(), words.rend()};
}

CommandLineEnd explain(const CLI::ParseError& error) {
  using Kind = CommandLineEnd::Kind;
  const std::string what = error.what();
  if (error.get_name() == "ArgumentMismatch") return {Kind::kNoValue, what.substr(0, what.find(':'))};
  if (error.get_name() == "ConversionError") return {Kind::kUnexpected, what.substr(what.rfind(' ') + 1)};
  return {Kind::kOther, what};
}

}  // namespace

struct CommandLine::Impl {
  std::unique_ptr<CLI::App> own;  // null for a subcommand
  CLI::App* app;
  Manner manner = Manner::kLibrary;
  std::vector<std::unique_ptr<CommandLine>> subcommands;

  template <typename Value>
  CLI::Option& add(std::string_view name, Value& into, const OptionHelp& help) {
    CLI::Option& option = *app->add_option(std::string(name), into, help.text);
    if (!help.value.empty() || !name.starts_with('-')) option.type_name(help.value);
    if (!help.group.empty()) option.group(help.group);
    return option;
  }

  void add_flag(const std::string& name, bool& into, const OptionHelp& help) {
    CLI::Option& option = *app->add_flag(name, into, help.text);
    if (!help.group.empty()) option.group(help.group);
  }
};

CommandLine::CommandLine(std::string_view about, std::string_view program, Manner manner)
    : impl_(std::make_unique<Impl>()) {
  impl_->own = std::make_unique<CLI::App>(std::string(about), std::string(program));
  impl_->app = impl_->own.get();
  impl_->manner = manner;
  impl_->app->formatter(std::make_shared<HelpFormatter>());
  impl_->app->set_help_flag("-h,--help", "Show this help.");
  impl_->app->allow_extras(manner == Manner::kReference);
}

CommandLine::CommandLine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CommandLine::~CommandLine() = default;

void CommandLine::text(std::string_view name, std::string& into, const OptionHelp& help) {
  impl_->add(name, into, help);
}

void CommandLine::required(std::string_view name, std::string& into, const OptionHelp& help) {
  impl_->add(name, into, help).required();
}

void CommandLine::texts(std::string_view name, std::vector<std::string>& into, const OptionHelp& help) {
  impl_->add(name, into, help)
      .expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

template <typename Number>
void CommandLine::number(std::string_view name, Number& into, const OptionHelp& help) {
  impl_->add(name, into, help);
}

template <typename Number>
void CommandLine::number(std::string_view name, Number& into, Number least, Number most, const OptionHelp& help) {
  impl_->add(name, into, help).check(CLI::Range(least, most));
}

template void CommandLine::number(std::string_view, uint32_t&, const OptionHelp&);
template void CommandLine::number(std::string_view, uint64_t&, const OptionHelp&);
template void CommandLine::number(std::string_view, int&, const OptionHelp&);
template void CommandLine::number(std::string_view, double&, const OptionHelp&);
template void CommandLine::number(std::string_view, uint32_t&, uint32_t, uint32_t, const OptionHelp&);
template void CommandLine::number(std::string_view, uint64_t&, uint64_t, uint64_t, const OptionHelp&);
template void CommandLine::number(std::string_view, int&, int, int, const OptionHelp&);
template void CommandLine::number(std::string_view, double&, double, double, const OptionHelp&);

void CommandLine::flag(std::string_view name, bool& into, const OptionHelp& help) {
  impl_->add_flag(std::string(name), into, help);
}

void CommandLine::on_or_off(std::string_view name, bool& into, const OptionHelp& help) {
  impl_->add_flag("--" + std::string(name) + ",!--no-" + std::string(name), into, help);
}

CommandLine& CommandLine::subcommand(std::string_view name, std::string_view about) {
  auto impl = std::make_unique<Impl>();
  impl->app = impl_->app->add_subcommand(std::string(name), std::string(about));
  impl_->app->require_subcommand(1);
  impl_->subcommands.push_back(std::unique_ptr<CommandLine>(new CommandLine(std::move(impl))));
  return *impl_->subcommands.back();
}

void CommandLine::footer(std::string_view text) { impl_->app->footer(std::string(text)); }

std::optional<CommandLineEnd> CommandLine::parse(const std::vector<std::string>& arguments) {
  using Kind = CommandLineEnd::Kind;
  CLI::App& app = *impl_->app;
  const bool as_reference = impl_->manner == Manner::kReference;
  std::optional<CommandLineEnd> end;
  try {
    app.parse(for_library(arguments, app, as_reference));
  } catch (const CLI::CallForHelp&) {
    return CommandLineEnd{Kind::kHelp, app.help()};
  } catch (const CLI::ParseError& error) {
    end = as_reference ? explain(error) : CommandLineEnd{Kind::kOther, error.what()};
  }
  if (!as_reference) return end;
  if (const auto unknown = app.remaining(); !unknown.empty()) return CommandLineEnd{Kind::kUnknown, unknown.front()};
  return end;
}

const std::string& CommandLine::program() const { return impl_->app->get_name(); }

bool CommandLine::was_typed() const { return impl_->app->parsed(); }

}  // namespace sluice::tools
