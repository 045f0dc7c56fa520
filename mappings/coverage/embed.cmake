# Writes OUT: the text of IN, line by line, as what builtin_reasons() returns. Run by CMakeLists.txt of this folder.
file(READ ${IN} content)
file(WRITE ${OUT} "// Made from official.reasons by embed.cmake.\n#include \"mappings/coverage/coverage.hpp\"\n\nnamespace mappings::coverage {\n\nstd::string_view builtin_reasons() {\n  return R\"__reasons__(${content})__reasons__\";\n}\n\n}  // namespace mappings::coverage\n")
