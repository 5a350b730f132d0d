//! Markdown pages, ERDs, access matrices, state diagrams and the SVG.
