/** The stylesheet, served as `/assets/site.css`. */
export const SITE_CSS = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; }
header a { font-weight: 600; text-decoration: none; }
.pitches { padding: 0; list-style: none; }
.pitches li { padding: 0.5rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.pitches h2 { margin: 0; font-size: 1.1rem; }
.pitches p { margin: 0; }
.meta { opacity: 0.7; }
form { display: grid; gap: 0.5rem; max-width: 20rem; }
`;
