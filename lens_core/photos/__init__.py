"""From photo files to pixels: layout, decoding, preprocessing, duplicates, audit."""
