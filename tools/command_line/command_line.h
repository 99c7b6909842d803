// The command line of a program or of a subcommand: what it takes, and what was typed. The one place that knows the
// library, CLI11, which is headers only: each source that includes it compiles the whole of it again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tools {

// What --help says of an option.
struct OptionHelp {
  std::string text;
  std::string value = "";  // what stands for the value of an option: FILE, N
  std::string group = "";  // the heading that it is found under
};

// Why a program ends without doing anything.
struct CommandLineEnd {
  enum class Kind : uint8_t {
    kHelp,        // text: the whole of --help
    kUnknown,     // text: the argument that nothing takes; only as Manner::kReference
    kNoValue,     // text: the option whose value is missing
    kUnexpected,  // text: what was given to an option that takes no value
    kOther,       // text: a sentence
  };
  Kind kind;
  std::string text;
};

class CommandLine {
 public:
  enum class Manner : uint8_t {
    kLibrary,    // each mistake is kOther, in the library's words
    kReference,  // as the reference's library (kingpin): `--name=` is an empty value, what is unknown is told before
                 // all else
  };

  CommandLine(std::string_view about, std::string_view program, Manner manner = Manner::kLibrary);
  CommandLine(CommandLine&&) = delete;
  ~CommandLine();

  // Each takes the name of an option ("--to") or of what stands by itself ("FILE"). What `into` refers to has to
  // outlive parse(), which leaves it alone where nothing is typed.
  void text(std::string_view name, std::string& into, const OptionHelp& help);
  void required(std::string_view name, std::string& into, const OptionHelp& help);
  // May be repeated; one value each time.
  void texts(std::string_view name, std::vector<std::string>& into, const OptionHelp& help);
  // `Number` is uint32_t, uint64_t, int or double.
  template <typename Number>
  void number(std::string_view name, Number& into, const OptionHelp& help);
  template <typename Number>
  void number(std::string_view name, Number& into, Number least, Number most, const OptionHelp& help);
  void flag(std::string_view name, bool& into, const OptionHelp& help);
  // --name and --no-name; `name` without its dashes.
  void on_or_off(std::string_view name, bool& into, const OptionHelp& help);
  // One of these has to be typed once there is one. Lives as long as this.
  CommandLine& subcommand(std::string_view name, std::string_view about);
  // Below the options.
  void footer(std::string_view text);

  // `arguments` without the program's name.
  [[nodiscard]] std::optional<CommandLineEnd> parse(const std::vector<std::string>& arguments);
  [[nodiscard]] const std::string& program() const;
  // Whether it was this subcommand.
  [[nodiscard]] bool was_typed() const;

 private:
  struct Impl;
  explicit CommandLine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::tools
