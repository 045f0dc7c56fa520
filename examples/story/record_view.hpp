/// What a partner reads of the single record by plain FHIR: state, owner of the next step, the states it went
/// through.
#pragma once

#include "examples/story/stage.hpp"

#include <string>
#include <vector>

namespace story {

struct RecordView {
  std::string state;
  std::string owner;
  std::string since;
  std::string due;
  std::vector<std::string> states;  ///< In the order of the timeline, repeats left out.
  rapidjson::Document document;
};

/// GET [path]/$referral-record or /$transition-record.
RecordView read_record(Stage& stage, std::string const& path);

/// Waits until the record of `path` says this state and owner ("Practitioner/": any of that type), tells it,
/// and returns it.
RecordView expect_state(Stage& stage, std::string const& path, std::string const& state,
                        std::string const& owner);

/// The first entry of the record's Bundle of that type, "" when there is none.
rapidjson::Value const* find_entry(RecordView const& view, std::string const& type);

}  // namespace story
