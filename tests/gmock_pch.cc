// Carries the precompiled header that every test without LibTorch reuses.
