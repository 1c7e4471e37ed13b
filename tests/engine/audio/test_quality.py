from engine.audio.quality import SLICE_FRAMES, SLICES, Quality


def test_who_has_not_talked_has_lost_nothing():
    assert Quality().read() == (0.0, 0.0, 100.0)


def test_what_is_made_up_counts_whole_and_what_is_restored_half():
    quality = Quality()
    quality.played(8)
    quality.lost(2)
    quality.concealed()
    quality.restored()
    assert quality.read() == (0.2, 0.1, 85.0)
    assert quality.talk_frames == 10


def test_ten_seconds_of_talk_are_remembered_and_no_more():
    quality = Quality()
    for _ in range(SLICE_FRAMES):
        quality.concealed()
    for _ in range((SLICES - 1) * SLICE_FRAMES - 1):
        quality.played()
    assert quality.read()[1] > 0.0
    for _ in range(SLICE_FRAMES):
        quality.played()
    assert quality.read() == (0.0, 0.0, 100.0)
    assert quality.talk_frames == (SLICES + 1) * SLICE_FRAMES - 1
