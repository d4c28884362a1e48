// SPDX-License-Identifier: GPL-3.0-or-later
// One case a command: its subcommands and options.
#include "sallyctl/completion.h"

#include <CLI/CLI.hpp>

namespace sallyport::sallyctl {

namespace {

void add_cases(const CLI::App& app, const std::string& path, std::string& cases) {
  std::string words;
  for (const CLI::App* command : app.get_subcommands(nullptr)) words += command->get_name() + " ";
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  cases += "    '" + path + "') words='" + words + "' ;;\n";
  for (const CLI::App* command : app.get_subcommands(nullptr))
    add_cases(*command, path + (path.empty() ? "" : " ") + command->get_name(), cases);
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string cases;
  add_cases(app, "", cases);
  return "# bash completion for sallyctl: source <(sallyctl completion bash)\n"
         "_sallyctl() {\n"
         "  local path='' words='' word i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    word=${COMP_WORDS[i]}\n"
         "    case $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n"
         "  done\n"
         "  case $path in\n" +
         cases +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _sallyctl sallyctl\n";
}

}  // namespace sallyport::sallyctl
