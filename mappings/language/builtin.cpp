#include "mappings/language/translator.hpp"

#include <stdexcept>

namespace mappings::language {

Maps const& builtin() {
  static Maps const maps = [] {
    Compilation compilation = compile(builtin_files());
    if (!compilation.maps) {
      std::string what = "the built-in maps do not compile:";
      for (fhir::Issue const& issue : compilation.issues)
        what.append("\n").append(issue.source).append(": ").append(issue.diagnostics);
      throw std::logic_error(what);
    }
    return std::move(*compilation.maps);
  }();
  return maps;
}

}  // namespace mappings::language
