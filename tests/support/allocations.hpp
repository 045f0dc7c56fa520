/// How often this program asks for memory: a test or a benchmark that links allocations.cpp counts every
/// operator new of its threads. The product has no such hook.
#pragma once

#include <cstddef>

namespace support {

/// By all threads, since the program began.
std::size_t allocations();

}  // namespace support
