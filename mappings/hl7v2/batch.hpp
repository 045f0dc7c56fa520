/// The batch protocol: FHS, BHS, messages, BTS, FTS, every envelope optional. Source: HL7 v2.5.1
/// section 2.10.3.
///
/// Messages are only cut apart here, never parsed: one bad message never stops a batch. A count that does not
/// match is an error for the whole, since what is missing cannot be told.
#pragma once

#include "fhir/result.hpp"
#include "mappings/hl7v2/ack.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::hl7v2 {

/// Views into the bytes that were split.
struct Batch {
  std::string_view header;                 ///< The BHS line, "" where there is none.
  std::vector<std::string_view> messages;  ///< Each from its MSH on, for Message::parse.
  std::string_view trailer;                ///< The BTS line, "" where there is none.
};

struct BatchFile {
  std::string_view header;  ///< The FHS line.
  std::vector<Batch> batches;
  std::string_view trailer;  ///< The FTS line.
};

/// Whether the bytes start with FHS or BHS rather than a message.
bool is_batch(std::string_view bytes);

/// Cuts a batch, a file of batches, or a plain row of messages. `warnings`: an envelope that is opened and
/// not closed. Errors: structure (segments outside any message, envelopes out of order), incomplete (BTS-1 or
/// FTS-1 counts other than what is there, or no number): hold the bytes and alert.
fhir::Result<BatchFile> split_batch(std::string_view bytes, fhir::Issues& warnings);

/// One answer to a batch: BHS with sender and receiver swapped and BHS-12 naming the batch answered, the
/// messages' own answers (of make_ack or make_nak) in their order, BTS with their count.
std::string make_batch_ack(Batch const& batch, std::vector<std::string> const& acks, AckHeader const& header);

}  // namespace mappings::hl7v2
