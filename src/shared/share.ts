/** A share of one in words: `82 %`. */
export const shareText = (share: number): string => `${Math.round(share * 100)} %`;
