/// Plays the story of examples/run.sh; see acts.hpp.
#include "examples/story/acts.hpp"

#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
  story::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (word == "--once") {
      arguments.once = true;
    } else if (word == "--handoff" && i + 1 < argc) {
      arguments.handoff = argv[++i];
    } else if (word == "--config" && i + 1 < argc) {
      arguments.configuration = argv[++i];
    } else if (word == "--folder" && i + 1 < argc) {
      arguments.folder = argv[++i];
    }
  }
  if (arguments.handoff.empty() || arguments.configuration.empty() || arguments.folder.empty()) {
    std::cerr << "story --handoff PROGRAM --config FILE --folder FOLDER [--once]\n";
    return 2;
  }
  try {
    story::Stage stage(arguments);
    story::Practice const practice = story::set_up_practice(stage);
    story::refer_to_clinic(stage, practice);
    story::refer_from_clinic(stage, practice);
    story::stay_in_hospital(stage, practice);
    stage.say("\nEvery expected fact was read back.");
    if (!arguments.once) {
      stage.say("The gateway goes on running: " + stage.base_url() +
                "/metadata (Ctrl-C ends it; transcripts in " + arguments.folder + "/transcripts)");
      stage.keep_running();
    }
    return 0;
  } catch (story::Unexpected const& missing) {
    std::cerr << "NOT SEEN: " << missing.what << "\n";
  } catch (std::exception const& failed) {
    std::cerr << "FAILED: " << failed.what() << "\n";
  }
  return 1;
}
