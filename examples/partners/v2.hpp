/// HL7 v2 the way a small partner system knows it: text with bars. Deliberately nothing of Handoff's own
/// codec, so that a mistake there cannot hide here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace partners {

std::vector<std::string> split(std::string_view text, char by);
/// One segment from its fields by number: {{1, "I"}, {3, "4W"}}.
std::string make_segment(std::string_view id, std::map<std::size_t, std::string> const& fields);
/// Segments joined by CR, the last one closed.
std::string message(std::vector<std::string> const& segments);
/// The nth segment of that id (from 0), "" when absent.
std::string segment(std::string_view message, std::string_view id, std::size_t occurrence = 0);
std::size_t count(std::string_view message, std::string_view id);
/// PID-3 is field(m, "PID", 3). MSH counts its separator as MSH-1, as the standard does.
std::string field(std::string_view message, std::string_view id, std::size_t number,
                  std::size_t occurrence = 0);
std::string component(std::string_view field, std::size_t number);

/// "REF^I12"
std::string event_of(std::string_view message);
/// The ACK a receiver gives: its own header, MSA with the code and the asker's MSH-10.
std::string acknowledge(std::string_view message, std::string_view code, std::string_view own_control_id,
                        std::string_view timestamp);

}  // namespace partners
